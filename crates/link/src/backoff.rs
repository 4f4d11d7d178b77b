//! Exponential back-off with jitter: 5, 10, 20, 40, 80, 160, 300 s, each up to a fifth more or less.

use std::time::Duration;

/// The waits between attempts. Never under `min`, never over `max`.
#[derive(Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    /// Starts at `min`; `seed` decides the jitter, so that machines booted together do not retry together.
    pub fn new(min: Duration, max: Duration, seed: u64) -> Self {
        Self { min, max: max.max(min), next: min, random: fastrand::Rng::with_seed(seed) }
    }

    /// Other bounds; the wait that would come next stays where it lies between them.
    pub fn set_bounds(&mut self, min: Duration, max: Duration) {
        (self.min, self.max) = (min, max.max(min));
        self.next = self.next.clamp(self.min, self.max);
    }

    /// The next wait; the one after it is twice as long.
    pub fn next_wait(&mut self) -> Duration {
        let base = self.next;
        self.next = base.saturating_mul(2).min(self.max);
        base.mul_f64(0.8 + 0.4 * self.random.f64()).clamp(self.min, self.max)
    }

    /// All is well: start from `min` again.
    pub fn reset(&mut self) {
        self.next = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(min: u64, max: u64, seed: u64, count: usize) -> Vec<f64> {
        let mut backoff = Backoff::new(Duration::from_secs(min), Duration::from_secs(max), seed);
        (0..count).map(|_| backoff.next_wait().as_secs_f64()).collect()
    }

    #[test]
    fn waits_double_from_five_seconds_to_three_hundred_within_a_fifth() {
        for seed in 0..200 {
            let bases = [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0];
            for (wait, base) in seconds(5, 300, seed, 8).into_iter().zip(bases) {
                assert!((5.0..=300.0).contains(&wait), "{wait}");
                assert!((base * 0.8..=base * 1.2).contains(&wait), "{wait} for {base}");
            }
        }
    }

    #[test]
    fn the_aggressive_mode_stays_between_two_and_thirty_seconds() {
        let waits = seconds(2, 30, 7, 20);
        assert!(waits.iter().all(|wait| (2.0..=30.0).contains(wait)));
        assert!(waits[19] >= 24.0);
    }

    #[test]
    fn two_machines_do_not_wait_alike_and_one_seed_always_does() {
        assert_ne!(seconds(5, 300, 1, 8), seconds(5, 300, 2, 8));
        assert_eq!(seconds(5, 300, 1, 8), seconds(5, 300, 1, 8));
    }

    #[test]
    fn a_reset_starts_from_the_beginning() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300), 3);
        for _ in 0..10 {
            backoff.next_wait();
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(6));
    }

    #[test]
    fn other_bounds_hold_from_the_next_wait_on() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300), 3);
        for _ in 0..10 {
            backoff.next_wait();
        }
        backoff.set_bounds(Duration::from_secs(2), Duration::from_secs(8));
        assert!((6.4..=8.0).contains(&backoff.next_wait().as_secs_f64()));
        backoff.set_bounds(Duration::from_secs(60), Duration::from_secs(90));
        assert!((60.0..=72.0).contains(&backoff.next_wait().as_secs_f64()));
    }

    #[test]
    fn a_maximum_below_the_minimum_is_the_minimum() {
        assert_eq!(seconds(5, 1, 1, 3), [5.0, 5.0, 5.0]);
    }
}
