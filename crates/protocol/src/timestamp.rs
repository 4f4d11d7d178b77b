//! Times as they stand on the wire: RFC 3339, UTC, milliseconds, `Z`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
const LAST: Duration = Duration::from_millis(253_402_300_799_999);

/// `2026-11-23T06:30:00.123Z`. Times outside of 1970 to 9999 (a guest without a clock) become the nearest of both.
pub fn rfc3339_millis(time: SystemTime) -> String {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

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
