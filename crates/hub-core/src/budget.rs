//! How much one guest may say: a flood costs the guest its time, not the host its processor.

use std::time::Duration;

/// Bytes a second that are read of one guest for as long as it likes. The busiest honest one, with every list four times a
/// second, says a tenth of it.
const BYTES_A_SECOND: u64 = 2 << 20;
/// Bytes that may come at once: a few answers of the greatest length.
const BURST_BYTES: u64 = 16 << 20;

/// What was read beyond the budget is owed, up to what is earned in this part of a second, a few reads: it is not known before a
/// read how much it brings.
const MAX_DEBT_OF_A_SECOND: u64 = 8;

/// A guest's budget, or a hub's.
#[derive(Clone, Debug)]
pub struct Budget {
    left: i64,
    at: Duration,
    a_second: u64,
    burst: u64,
}

impl Budget {
    /// A whole one, at this moment of the monotonic clock.
    pub const fn new(now: Duration) -> Self {
        Self::of(BYTES_A_SECOND, BURST_BYTES, now)
    }

    /// The same with other bounds, for one who is no guest.
    pub const fn of(a_second: u64, burst: u64, now: Duration) -> Self {
        Self { left: burst.cast_signed(), at: now, a_second, burst }
    }

    /// Bytes were read.
    pub fn spend(&mut self, now: Duration, bytes: usize) {
        self.earn(now);
        self.left = self.left.saturating_sub_unsigned(bytes as u64).max(-self.max_debt());
    }

    /// How long nothing is to be read; `None` while there is something left.
    pub fn pause(&mut self, now: Duration) -> Option<Duration> {
        self.earn(now);
        // A twentieth of a second's worth, so that a guest that was stopped is not woken for each byte.
        let wanted = (self.a_second / 20).saturating_add_signed(-self.left);
        let millis = wanted * 1000 / self.a_second.max(1);
        (self.left <= 0).then(|| Duration::from_millis(millis.max(1)))
    }

    const fn max_debt(&self) -> i64 {
        (self.a_second / MAX_DEBT_OF_A_SECOND).cast_signed()
    }

    fn earn(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at);
        let earned =
            u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).saturating_mul(self.a_second) / 1000;
        if earned > 0 {
            self.left = self.left.saturating_add_unsigned(earned).min(self.burst.cast_signed());
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_read_at_the_budgets_pace_and_an_answer_at_once() {
        let mut budget = Budget::new(Duration::ZERO);
        let (mut now, mut read) = (Duration::ZERO, 0);
        while now < Duration::from_secs(60) {
            if let Some(pause) = budget.pause(now) {
                now += pause;
            } else {
                budget.spend(now, 64 << 10);
                read += 64_u64 << 10;
            }
        }
        let allowed = BURST_BYTES + 60 * BYTES_A_SECOND;
        assert!(read <= allowed + allowed / 100 && read >= allowed - allowed / 10, "{read} of {allowed}");
    }

    #[test]
    fn a_guest_that_says_little_is_never_paused() {
        let mut budget = Budget::new(Duration::ZERO);
        for second in 0..1000 {
            let now = Duration::from_secs(second);
            budget.spend(now, 200_000);
            assert_eq!(budget.pause(now), None);
        }
    }

    #[test]
    fn a_clock_that_stands_still_earns_nothing() {
        let mut budget = Budget::new(Duration::ZERO);
        budget.spend(Duration::ZERO, 100 << 20);
        assert!(budget.pause(Duration::ZERO).is_some());
        assert!(budget.pause(Duration::from_millis(200)).is_none());
    }
}
