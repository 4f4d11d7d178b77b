//! Refused lines are counted, and answered at most once a minute: an answer to each would be a gift to a flood.

use std::time::Duration;

/// Least time between two answers.
pub const ANSWER_INTERVAL: Duration = Duration::from_secs(60);

/// How many lines were refused, and when one was answered last.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    count: u64,
    answered: Option<Duration>,
}

impl Refusals {
    /// Counts a refused line; whether it is to be answered. `now` is a monotonic time.
    pub fn refuse(&mut self, now: Duration) -> bool {
        self.count = self.count.saturating_add(1);
        let due = self.answered.is_none_or(|last| now.saturating_sub(last) >= ANSWER_INTERVAL);
        if due {
            self.answered = Some(now);
        }
        due
    }

    /// How many lines were refused so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}
