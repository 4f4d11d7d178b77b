//! Times as they stand on the wire: RFC 3339, UTC, milliseconds, `Z`.

use crate::number::millis;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
const LAST: Duration = Duration::from_millis(253_402_300_799_999);

/// Milliseconds since 1970. A clock that stands before 1970 is as wrong as one that stands there.
pub fn unix_millis(time: SystemTime) -> u64 {
    millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// `2026-11-23T06:30:00.123Z`. Times outside of 1970 to 9999 (a guest without a clock) become the nearest of both.
pub fn rfc3339_millis(time: SystemTime) -> String {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

/// A moment as a host names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `2026-11-23T06:30:00Z`, UTC, with decimals or without.
    At(SystemTime),
    /// How long ago, such as `2h`, `15min` or `1h 30m`.
    Ago(Duration),
}

impl Moment {
    /// Reads one; `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let at = humantime::parse_rfc3339(text).ok().map(Self::At);
        at.or_else(|| humantime::parse_duration(text).ok().map(Self::Ago))
    }

    /// The time that it is where it is `now`; what lies before 1970 is 1970.
    pub fn seen_at(self, now: SystemTime) -> SystemTime {
        match self {
            Self::At(time) => time.max(UNIX_EPOCH),
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        let now = UNIX_EPOCH + Duration::from_hours(10);
        let seen = |text: &str| {
            Moment::parse(text).map(|moment| moment.seen_at(now).duration_since(UNIX_EPOCH).unwrap())
        };
        assert_eq!(seen("1970-01-01T02:00:00Z"), Some(Duration::from_hours(2)));
        assert_eq!(seen("1970-01-01T02:00:00.5Z"), Some(Duration::from_millis(7_200_500)));
        assert_eq!(seen("1h 30min"), Some(Duration::from_mins(510)));
        assert_eq!(seen("2 days"), Some(Duration::ZERO));
        for wrong in
            ["yesterday", "", "5", "-1h", "2026-11-23", "2026-11-23 06:30:00", "2026-11-23T06:30:00+01:00"]
        {
            assert_eq!(seen(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_written_in_utc_with_three_decimals() {
        let time = UNIX_EPOCH + Duration::from_micros(1_700_000_000_001_999);
        assert_eq!(rfc3339_millis(time), "2023-11-14T22:13:20.001Z");
    }

    #[test]
    fn times_that_cannot_be_written_become_the_nearest_that_can() {
        assert_eq!(rfc3339_millis(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339_millis(far), "9999-12-31T23:59:59.999Z");
    }
}
