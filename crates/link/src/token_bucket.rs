//! A token bucket on simulated or real time: bounds how often something may happen, bursts included.

use std::time::Duration;

/// `capacity` at once, and one more each `period`.
#[derive(Debug)]
pub struct TokenBucket {
    capacity: u32,
    period: Duration,
    tokens: u32,
    counted_to: Duration,
}

impl TokenBucket {
    /// Full. A `period` of zero counts as one millisecond.
    pub fn new(capacity: u32, period: Duration) -> Self {
        let period = period.max(Duration::from_millis(1));
        Self { capacity, period, tokens: capacity, counted_to: Duration::ZERO }
    }

    /// Takes one if there is one.
    pub fn take(&mut self, now: Duration) -> bool {
        self.refill(now);
        let some = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        some
    }

    /// When `take` will say yes; not before `now`.
    pub fn ready_at(&mut self, now: Duration) -> Duration {
        self.refill(now);
        if self.tokens > 0 { now } else { self.counted_to.saturating_add(self.period).max(now) }
    }

    fn refill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.counted_to);
        let gained = u32::try_from(elapsed.as_nanos() / self.period.as_nanos()).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(gained).min(self.capacity);
        let whole = self.period.checked_mul(gained).unwrap_or(elapsed);
        self.counted_to =
            if self.tokens == self.capacity { self.counted_to.max(now) } else { self.counted_to + whole };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_passes_and_then_one_each_period() {
        let mut bucket = TokenBucket::new(3, s(2));
        let passed: Vec<u64> = (10..20).flat_map(|t| [t, t]).filter(|t| bucket.take(s(*t))).collect();
        assert_eq!(passed, [10, 10, 11, 12, 14, 16, 18]);
    }

    #[test]
    fn it_says_when_the_next_passes() {
        let mut bucket = TokenBucket::new(1, s(5));
        assert_eq!(bucket.ready_at(s(7)), s(7));
        assert!(bucket.take(s(7)));
        assert_eq!(bucket.ready_at(s(8)), s(12));
        assert!(!bucket.take(s(11)));
        assert!(bucket.take(s(12)));
    }

    #[test]
    fn years_of_rest_fill_it_no_further_than_full() {
        let mut bucket = TokenBucket::new(2, s(1));
        let later = s(10 * 365 * 86_400);
        assert_eq!((0..5).filter(|_| bucket.take(later)).count(), 2);
    }
}
