//! A WMI object as the agent reads it: named values, whatever their exact type.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Null, absent, or of a kind that nothing here reads.
    Nothing,
    /// A text; also a date of CIM, and every number of 64 bits.
    Text(String),
    /// A flag.
    Flag(bool),
    /// A number of up to 32 bits.
    Number(i64),
}

/// One object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(pub BTreeMap<String, Value>);

impl Record {
    /// A text; empty where there is none.
    pub fn text(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(Value::Text(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// A flag; unset where there is none.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Value::Flag(true)))
    }

    /// A number that is not negative. WMI tells those of 32 bits as signed ones.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Value::Number(number) => {
                Some(u64::try_from(*number).unwrap_or_else(|_| u64::from((*number as i32).cast_unsigned())))
            }
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A date of CIM.
    pub fn time(&self, name: &str) -> Option<SystemTime> {
        match self.0.get(name)? {
            Value::Text(text) => time(text),
            _ => None,
        }
    }
}

/// `20261123084512.000000+060`: the minutes behind the sign are the distance from UTC. Years before 1970 are no dates here.
pub fn time(text: &str) -> Option<SystemTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let seconds = number(8, 10)? * 3600 + number(10, 12)? * 60 + number(12, 14)?;
    let offset = text.get(21..25).and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    let days = days_since_1970(year, month, day)?;
    let total = i64::try_from(days * 86_400 + seconds).ok()?.checked_sub(offset.checked_mul(60)?)?;
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(total).ok()?))
}

/// Of the Gregorian calendar.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let in_range = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    // Years begin in March here, so that the leap day is the last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - u64::from(in_range), month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    in_range.then(|| days.checked_sub(719_468)).flatten()
}

/// An OLE date: days since 30 December 1899, in UTC as the update agent tells them.
pub fn ole_time(days: f64) -> Option<SystemTime> {
    let seconds = (days - 25_569.0) * 86_400.0;
    (seconds > 0.0 && seconds < 253_402_300_799.0)
        .then(|| UNIX_EPOCH + Duration::from_secs(seconds.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::timestamp::rfc3339_millis;
    use proptest::prelude::*;

    #[test]
    fn a_date_of_cim_is_told_in_utc() {
        let told = |text: &str| time(text).map(rfc3339_millis);
        assert_eq!(told("20261123084512.000000+000").as_deref(), Some("2026-11-23T08:45:12.000Z"));
        assert_eq!(told("20240229230000.000000-060").as_deref(), Some("2024-03-01T00:00:00.000Z"));
        assert_eq!(told("20261123084512.000000+060").as_deref(), Some("2026-11-23T07:45:12.000Z"));
        for odd in ["", "16010101000000.000000+000", "today", "20261323000000.000000+000", "2026112é"] {
            assert_eq!(told(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_ole_date_counts_days_from_1899() {
        assert_eq!(ole_time(46_349.5).map(rfc3339_millis).as_deref(), Some("2026-11-23T12:00:00.000Z"));
        assert_eq!([ole_time(0.0), ole_time(f64::NAN), ole_time(f64::INFINITY)], [None; 3]);
    }

    #[test]
    fn numbers_of_32_bits_are_not_negative() {
        let record = Record([("Age".to_owned(), Value::Number(-1))].into());
        assert_eq!(record.number("Age"), Some(4_294_967_295));
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_none(text: String, digits in "[0-9]{14}", zone in "[-+][0-9]{3}") {
            let _ = (time(&text), time(&format!("{digits}.000000{zone}")));
        }
    }
}
