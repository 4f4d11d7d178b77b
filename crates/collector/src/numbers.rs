//! Numbers as the wire wants them: finite, never negative, 31 bits for counts and 53 for byte counters; and figures from two samples.

pub use infiniservice_protocol::number::{MAX_COUNT, MAX_SAFE_INTEGER, count, counter};
use std::time::Duration;

/// The last second of the year 9999: RFC 3339 has four digits for the year.
const MAX_UNIX_SECONDS: u64 = 253_402_300_799;

/// Two decimals, finite, not negative, within 53 bits.
pub fn figure(value: f64) -> f64 {
    if value > 0.0 { (value.min(MAX_SAFE_INTEGER as f64) * 100.0).round() / 100.0 } else { 0.0 }
}

/// `part` of `whole` in percent, 0 to 100; 0 where `whole` is 0.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { figure((part as f64 / whole as f64 * 100.0).min(100.0)) }
}

/// Rate of a counter that only grows; 0 where it was reset in between.
pub fn per_second(before: u64, after: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { figure(after.saturating_sub(before) as f64 / seconds) } else { 0.0 }
}

/// Bytes in GB (10^9) to the kilobyte, as the wire has them.
pub fn gigabytes(bytes: u128) -> f64 {
    (bytes as f64 / 1e3).round() / 1e6
}

/// RFC 3339 in UTC to the second, of seconds since 1970.
pub fn rfc3339(unix_seconds: u64) -> String {
    let since = Duration::from_secs(unix_seconds.min(MAX_UNIX_SECONDS));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}

/// Two samples nearer than this share their figures: the kernel's counters are too coarse for less.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

/// The sample before, and what came of it.
#[derive(Debug)]
pub struct Rate<S, F> {
    before: Option<(Duration, S)>,
    figures: Option<F>,
}

impl<S, F> Default for Rate<S, F> {
    fn default() -> Self {
        Self { before: None, figures: None }
    }
}

impl<S, F: Clone> Rate<S, F> {
    /// Takes the sample of `now` (monotonic); `None` while there is no other to compare it with.
    pub fn next(
        &mut self,
        now: Duration,
        sample: S,
        figures: impl FnOnce(&S, &S, Duration) -> F,
    ) -> Option<F> {
        let Some((at, before)) = &self.before else {
            self.before = Some((now, sample));
            return None;
        };
        let elapsed = now.saturating_sub(*at);
        if elapsed >= MIN_INTERVAL {
            self.figures = Some(figures(before, &sample, elapsed));
            self.before = Some((now, sample));
        }
        self.figures.clone()
    }

    /// How old the figures are at `now`: zero where they are of its own sample.
    pub fn age(&self, now: Duration) -> Duration {
        self.before.as_ref().map_or(Duration::ZERO, |(at, _)| now.saturating_sub(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_counter_that_was_reset_has_no_rate() {
        assert!(per_second(1000, 10, Duration::from_secs(1)).abs() < f64::EPSILON);
        assert!((per_second(1000, 3000, Duration::from_secs(2)) - 1000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn two_samples_at_one_moment_have_no_rate() {
        assert!(per_second(0, 1000, Duration::ZERO).abs() < f64::EPSILON);
    }

    #[test]
    fn the_end_of_time_is_still_a_date() {
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn every_number_is_finite_and_in_range(a: u64, b: u64, f: f64, ms in 0u64..10_000) {
            prop_assert!((0.0..=100.0).contains(&percent(a, b)));
            prop_assert!(figure(f).is_finite() && figure(f) >= 0.0);
            prop_assert!(per_second(a, b, Duration::from_millis(ms)).is_finite());
            prop_assert!(gigabytes(u128::from(a) * u128::from(b)).is_finite());
            prop_assert!(counter(a) <= MAX_SAFE_INTEGER && count(a) <= MAX_COUNT);
        }
    }

    #[test]
    fn the_first_sample_has_no_figures_and_a_hasty_one_repeats_the_last() {
        let mut rate = Rate::default();
        let mut next = |ms, value: u64| rate.next(Duration::from_millis(ms), value, |a, b, _| b - a);
        assert_eq!(next(0, 10), None);
        assert_eq!(next(10, 11), None);
        assert_eq!(next(1000, 30), Some(20));
        assert_eq!(next(1100, 99), Some(20));
        assert_eq!(next(2000, 40), Some(10));
    }
}
