//! Days as the contract writes them.

use std::time::{Duration, SystemTime};

/// `2026-11-23` in UTC; `None` before 1970 and after 9999.
pub fn day(time: SystemTime) -> Option<String> {
    let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let sane = (SystemTime::UNIX_EPOCH..=latest).contains(&time);
    let text = sane.then(|| humantime::format_rfc3339_seconds(time).to_string())?;
    text.split('T').next().map(str::to_owned)
}

/// The same of seconds since 1970.
pub fn day_of_secs(secs: u64) -> Option<String> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(secs)).and_then(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_of_utc_and_impossible_ones_are_nothing() {
        assert_eq!(day_of_secs(1_795_415_400).as_deref(), Some("2026-11-23"));
        assert_eq!(day_of_secs(u64::MAX), None);
        assert_eq!(day_of_secs(253_402_300_800), None);
    }
}
