//! Figures for people. Guests may send nonsense, so whatever is not a number is shown as `-`.

use std::time::Duration;

/// One kind of unit in all tables: figures in two kinds cannot be compared.
const BINARY: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes in binary units: `0 B`, `1.5 KiB`, `12 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    scaled(count as f64, 1024.0, &BINARY)
}

/// kB of 1024 bytes in binary units.
pub(crate) fn kib(count: u64) -> String {
    bytes(count.saturating_mul(1024))
}

/// Gigabytes of 10^9 bytes, as the protocol has them for disks: in binary units like every other size.
pub(crate) fn gb(count: f64) -> String {
    scaled(count * 1e9, 1024.0, &BINARY)
}

/// Megabytes of 10^6 bytes, in binary units.
pub(crate) fn mb(count: f64) -> String {
    gb(count / 1000.0)
}

/// Bytes a second in binary units.
pub(crate) fn rate(bytes_per_second: f64) -> String {
    scaled(bytes_per_second, 1024.0, &["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"])
}

/// One digit after the point: `12.3`.
pub(crate) fn percent(value: f64) -> String {
    if value.is_finite() { format!("{:.1}", value.clamp(0.0, 999_999.0)) } else { "-".into() }
}

/// Milliseconds with as many digits as are worth reading: `0.31 ms`, `12.4 ms`, `1.25 s`.
pub(crate) fn millis(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    match ms {
        ..10.0 => format!("{ms:.2} ms"),
        10.0..1000.0 => format!("{ms:.1} ms"),
        _ => format!("{:.2} s", ms / 1000.0),
    }
}

/// A long time, in its two largest units: `3 d 4 h`, `5 min 2 s`.
pub(crate) fn age(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The protocol's time for people, to the second: `2026-11-23 13:35:43 UTC`. What is no such time stays as it is.
pub(crate) fn moment(rfc3339: &str) -> String {
    let taken_apart = || {
        let (day, time) = rfc3339.strip_suffix('Z')?.split_once('T')?;
        let seconds = time.split_once('.').map_or(time, |(seconds, _)| seconds);
        Some(format!("{day} {seconds} UTC"))
    };
    taken_apart().unwrap_or_else(|| rfc3339.to_owned())
}

/// `part` of `whole` in percent; 0 of nothing.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    let share = part / whole * 100.0;
    if share.is_finite() { share.clamp(0.0, 100.0) } else { 0.0 }
}

/// Three digits at most before the unit changes.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    if !value.is_finite() || value < 0.0 {
        return "-".into();
    }
    let mut value = value;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    let first = unit;
    while value >= 999.95 {
        let Some(next) = units.next() else { break };
        value /= step;
        unit = next;
    }
    let digits = usize::from(unit != first && value < 99.95);
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_their_unit_and_three_digits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(kib(2_097_152), "2.0 GiB");
        assert_eq!(gb(21.0), "19.6 GiB");
        assert_eq!(gb(0.5), "477 MiB");
        assert_eq!(gb(1.073_741_824), bytes(1 << 30));
        assert_eq!(rate(12.0 * 1024.0 * 1024.0), "12.0 MiB/s");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn nonsense_is_a_dash() {
        assert_eq!(gb(f64::NAN), "-");
        assert_eq!(rate(-1.0), "-");
        assert_eq!(percent(f64::INFINITY), "-");
        assert!(share(1.0, 0.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_moment_is_told_to_the_second() {
        assert_eq!(moment("2026-11-23T13:35:43.070Z"), "2026-11-23 13:35:43 UTC");
        assert_eq!(moment("2026-11-23T13:35:43Z"), "2026-11-23 13:35:43 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(millis(Duration::from_micros(310)), "0.31 ms");
        assert_eq!(millis(Duration::from_millis(1250)), "1.25 s");
        assert_eq!(age(59), "59 s");
        assert_eq!(age(302), "5 min 2 s");
        assert_eq!(age(3 * 86_400 + 4 * 3600 + 59), "3 d 4 h");
    }
}
