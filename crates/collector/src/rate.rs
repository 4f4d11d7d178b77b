//! Figures from two samples.

use std::time::Duration;

/// Two samples nearer than this share their figures: the kernel's counters are too coarse for less.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
