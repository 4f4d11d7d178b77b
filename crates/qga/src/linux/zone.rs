//! The local time zone out of `/etc/localtime`, tzfile(5): its abbreviation and offset now; and the rule by
//! which it continues after the last change that its file tells: POSIX's `TZ`, as `CET-1CEST,M3.5.0,M10.5.0/3`.

use super::Tree;
use crate::reply::Timezone;
use std::time::{SystemTime, UNIX_EPOCH};

/// A header, and what stands in it before the counts.
const HEADER_BYTES: usize = 44;
const COUNTS_AT: usize = 20;

/// The zone now. A guest without the file, or with one that cannot be read, keeps UTC.
pub fn local(tree: &dyn Tree, now: SystemTime) -> Timezone {
    let bytes = tree.read("etc/localtime").unwrap_or_default();
    let seconds = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    };
    at(&bytes, seconds).unwrap_or_else(|| Timezone { zone: Some("UTC".to_owned()), offset: 0 })
}

/// One part of the file: all of it in version 1, the second part, with wider times, in later ones.
struct Part<'a> {
    times: &'a [u8],
    indices: &'a [u8],
    types: &'a [u8],
    names: &'a [u8],
    time_bytes: usize,
}

fn at(bytes: &[u8], seconds: i64) -> Option<Timezone> {
    let (first, rest) = part(bytes, 4)?;
    let version = bytes.get(4)?;
    if *version == 0 {
        return first.at(seconds);
    }
    let (second, footer) = part(rest, 8)?;
    let rule = footer.strip_prefix(b"\n").and_then(|text| text.split(|byte| *byte == b'\n').next());
    let rule = rule.and_then(|text| Rule::parse(std::str::from_utf8(text).ok()?));
    match rule {
        Some(rule) if second.last().is_none_or(|last| seconds >= last) => Some(rule.at(seconds)),
        _ => second.at(seconds),
    }
}

/// A part and what stands behind it.
fn part(bytes: &[u8], time_bytes: usize) -> Option<(Part<'_>, &[u8])> {
    let header = bytes.get(..HEADER_BYTES).filter(|header| header.starts_with(b"TZif"))?;
    let mut counts =
        header.get(COUNTS_AT..)?.as_chunks::<4>().0.iter().map(|count| u32::from_be_bytes(*count));
    let mut count = || usize::try_from(counts.next()?).ok();
    let (utc, standard, leaps) = (count()?, count()?, count()?);
    let (times, types, names) = (count()?, count()?, count()?);
    let mut rest = bytes.get(HEADER_BYTES..)?;
    let mut take = |length: Option<usize>| {
        let (taken, left) = rest.split_at_checked(length?)?;
        rest = left;
        Some(taken)
    };
    let part = Part {
        times: take(times.checked_mul(time_bytes))?,
        indices: take(Some(times))?,
        types: take(types.checked_mul(6))?,
        names: take(Some(names))?,
        time_bytes,
    };
    take(leaps.checked_mul(time_bytes + 4))?;
    take(standard.checked_add(utc))?;
    Some((part, rest))
}

impl Part<'_> {
    fn moments(&self) -> impl DoubleEndedIterator<Item = i64> {
        self.times.chunks_exact(self.time_bytes).map(|bytes| {
            let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
            bytes.iter().fold(if negative { -1 } else { 0 }, |sum, byte| (sum << 8) | i64::from(*byte))
        })
    }

    fn last(&self) -> Option<i64> {
        self.moments().next_back()
    }

    /// The type that the last change before began; before all changes the first type.
    fn at(&self, seconds: i64) -> Option<Timezone> {
        let changes = self.moments().take_while(|moment| *moment <= seconds).count();
        let of_change = changes.checked_sub(1).and_then(|at| self.indices.get(at));
        let index = usize::from(of_change.copied().unwrap_or(0));
        let kind: &[u8; 6] = self.types.as_chunks().0.get(index)?;
        let [a, b, c, d, _, name] = *kind;
        let name = self.names.get(usize::from(name)..)?.split(|byte| *byte == 0).next()?;
        let zone = Some(String::from_utf8_lossy(name).into_owned()).filter(|zone| !zone.is_empty());
        Some(Timezone { zone, offset: i64::from(i32::from_be_bytes([a, b, c, d])) })
    }
}

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
