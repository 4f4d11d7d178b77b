//! The rule that a time zone goes on by after the last change that its file tells: POSIX's `TZ`, as `CET-1CEST,M3.5.0,M10.5.0/3`.

use crate::reply::Timezone;

const DAY: i64 = 86_400;
/// When a change happens that has no time: two in the morning.
const USUAL_TIME: i64 = 2 * 3600;

/// No clock goes further, and nothing overflows within it.
const MAX_SECONDS: i64 = 1 << 50;

/// Standard time, and perhaps another for a part of the year.
#[derive(Debug)]
pub struct Rule {
    standard: Timezone,
    summer: Option<Summer>,
}

#[derive(Debug)]
struct Summer {
    zone: Timezone,
    start: Change,
    end: Change,
}

/// A day of a year, and seconds from its beginning in local time.
#[derive(Clone, Copy, Debug)]
struct Change {
    day: Day,
    time: i64,
}

#[derive(Clone, Copy, Debug)]
enum Day {
    /// From 1 to 365; the 29th of February is never counted.
    Julian(i64),
    /// From 0 to 365.
    OfYear(i64),
    /// The weekday (0 is Sunday) of this week (5 is the last) of this month.
    Weekday { month: i64, week: i64, weekday: i64 },
}

impl Rule {
    /// Reads it; `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(',');
        let (standard, rest) = zone(words.next()?, None)?;
        if rest.is_empty() {
            return Some(Self { standard, summer: None });
        }
        let (zone, _) = zone(rest, Some(standard.offset + 3600))?;
        let (start, end) = (change(words.next()?)?, change(words.next()?)?);
        Some(Self { standard, summer: Some(Summer { zone, start, end }) })
    }

    /// The zone at a moment.
    pub fn at(&self, seconds: i64) -> Timezone {
        let seconds = seconds.clamp(-MAX_SECONDS, MAX_SECONDS);
        let summer = self.summer.as_ref().filter(|summer| summer.is_on(seconds, self.standard.offset));
        summer.map_or(&self.standard, |summer| &summer.zone).clone()
    }
}

impl Summer {
    /// Each change is told in the local time before it.
    fn is_on(&self, seconds: i64, standard: i64) -> bool {
        let year = year_of((seconds + standard).div_euclid(DAY));
        let start = self.start.in_year(year) - standard;
        let end = self.end.in_year(year) - self.zone.offset;
        let between = |from: i64, to: i64| (from..to).contains(&seconds);
        if start <= end { between(start, end) } else { !between(end, start) }
    }
}

impl Change {
    fn in_year(self, year: i64) -> i64 {
        let first = days_before(year);
        let day = match self.day {
            Day::Julian(day) => first + day - 1 + i64::from(is_leap(year) && day >= 60),
            Day::OfYear(day) => first + day,
            Day::Weekday { month, week, weekday } => {
                let begin = first + days_before_month(year, month);
                let end = first + days_before_month(year, month + 1);
                // The 1st of January 1970 was a Thursday.
                let found = begin + (weekday - (begin + 4)).rem_euclid(7) + (week - 1) * 7;
                if found < end { found } else { found - 7 }
            }
        };
        day * DAY + self.time
    }
}

/// A name and an offset, which may be left out where there is a usual one; and the rest. POSIX counts to the west.
fn zone(text: &str, usual: Option<i64>) -> Option<(Timezone, &str)> {
    let (name, rest) = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?,
        None => text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len())),
    };
    let end = rest.find(|c: char| !matches!(c, '+' | '-' | ':' | '0'..='9')).unwrap_or(rest.len());
    let (offset, rest) = rest.split_at(end);
    let offset = if offset.is_empty() { usual? } else { -time(offset)? };
    let zone = Some(name.to_owned()).filter(|name| !name.is_empty())?;
    Some((Timezone { zone: Some(zone), offset }, rest))
}

/// `[+-]hh[:mm[:ss]]`, in seconds. No rule has more than 167 hours.
fn time(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let parts: Vec<i64> = digits.split(':').map(|part| bounded(part, 0, 167)).collect::<Option<_>>()?;
    let seconds = |at: usize| parts.get(at).copied().unwrap_or(0);
    Some(sign * (seconds(0) * 3600 + seconds(1) * 60 + seconds(2)))
}

fn change(text: &str) -> Option<Change> {
    let (day, time_of_day) = text.split_once('/').map_or((text, None), |(day, time)| (day, Some(time)));
    let time = time_of_day.map_or(Some(USUAL_TIME), time)?;
    Some(Change { day: day_of(day)?, time })
}

fn day_of(text: &str) -> Option<Day> {
    if let Some(day) = text.strip_prefix('J') {
        return Some(Day::Julian(bounded(day, 1, 365)?));
    }
    let Some(weekday) = text.strip_prefix('M') else { return Some(Day::OfYear(bounded(text, 0, 365)?)) };
    let mut parts = weekday.split('.');
    let (month, week, weekday) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Day::Weekday {
        month: bounded(month, 1, 12)?,
        week: bounded(week, 1, 5)?,
        weekday: bounded(weekday, 0, 6)?,
    })
}

fn bounded(text: &str, least: i64, most: i64) -> Option<i64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// Days from the beginning of 1970 to that of a year.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    let leaps = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    365 * (year - 1970) + leaps - 477
}

/// Days of a year before its month; of the thirteenth, all.
fn days_before_month(year: i64, month: i64) -> i64 {
    let days = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let at = usize::try_from(month - 1).unwrap_or(0).min(12);
    days.get(at).copied().unwrap_or(0) + i64::from(is_leap(year) && month > 2)
}

/// The year of a day since the beginning of 1970. Reckoned in years that begin in March, so that a leap day is the last.
fn year_of(day: i64) -> i64 {
    const ERA_DAYS: i64 = 146_097;
    const TO_MARCH_OF_YEAR_0: i64 = 719_468;
    let day = day + TO_MARCH_OF_YEAR_0;
    let (era, of_era) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    era * 400 + year + i64::from(of_year >= 306)
}
