//! When a plugin runs next: at its interval, a little later each time by chance, and more rarely while it fails.

use fastrand::Rng;
use std::time::Duration;

/// Failures in a row after which the time between two runs grows.
const PATIENCE: u32 = 3;
/// How many times as long it gets at most.
const MAX_FACTOR: u32 = 10;
/// But never longer than this by the growth.
const LONGEST: Duration = Duration::from_secs(86_400);
/// A run is late by up to this part of its interval, so that plugins with the same one do not stay together.
const JITTER_PART: u32 = 20;
/// The first run comes within this time, or half an interval.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// One plugin's.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    failures: u32,
}

impl Pace {
    /// Of a plugin that has not run yet.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, failures: 0 }
    }

    /// It ran.
    pub(crate) fn ran(&mut self, well: bool) {
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
    }

    /// Failed runs in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Time between two runs now.
    pub(crate) fn interval(&self) -> Duration {
        let doubled = self.failures.saturating_sub(PATIENCE - 1).min(4);
        let factor = (1 << doubled).min(MAX_FACTOR);
        (self.interval * factor).min(LONGEST.max(self.interval))
    }

    /// From the agent's start to the first run.
    pub(crate) fn first(&self, chance: &mut Rng) -> Duration {
        FIRST_WITHIN.min(self.interval / 2).mul_f64(chance.f64())
    }

    /// From one run's begin to the next one's.
    pub(crate) fn next(&self, chance: &mut Rng) -> Duration {
        self.interval() + (self.interval / JITTER_PART).mul_f64(chance.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, proptest};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn from_the_third_failure_on_it_runs_more_rarely_up_to_a_tenth_and_one_success_ends_that() {
        let mut pace = Pace::new(MINUTE);
        let mut factors = Vec::new();
        for _ in 0..8 {
            pace.ran(false);
            factors.push(pace.interval().as_secs() / 60);
        }
        assert_eq!(factors, [1, 1, 2, 4, 8, 10, 10, 10]);
        pace.ran(true);
        assert_eq!((pace.interval(), pace.failures()), (MINUTE, 0));
        let mut daily = Pace::new(LONGEST);
        (0..9).for_each(|_| daily.ran(false));
        assert_eq!(daily.interval(), LONGEST);
    }

    proptest! {
        #[test]
        fn chance_makes_it_late_by_a_twentieth_at_most_and_never_early(seed in any::<u64>(), secs in 10_u64..=86_400) {
            let (mut chance, pace) = (Rng::with_seed(seed), Pace::new(Duration::from_secs(secs)));
            let (first, next) = (pace.first(&mut chance), pace.next(&mut chance));
            prop_assert!(first <= FIRST_WITHIN && first <= pace.interval / 2);
            prop_assert!(next >= pace.interval && next <= pace.interval * 21 / 20);
        }
    }
}
