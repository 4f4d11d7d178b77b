//! How far an operation got, for the sentence about one whose time was over before its end.

use super::settle::SETTLE;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

const ASKED: u8 = 1;
const RUNS: u8 = 2;

/// Set while an operation goes on, read when it was given up.
#[derive(Debug)]
pub struct Progress {
    reached: AtomicU8,
    settle: Duration,
}

impl Default for Progress {
    fn default() -> Self {
        Self { reached: AtomicU8::new(0), settle: SETTLE }
    }
}

impl Progress {
    /// Of an operation that has so much time: a short one looks at the unit for a shorter while.
    pub fn within(remaining: Duration) -> Self {
        Self { settle: SETTLE.min(remaining / 4), ..Self::default() }
    }

    /// How long the unit is looked at after its job.
    pub(super) const fn settle(&self) -> Duration {
        self.settle
    }

    /// systemd is being asked to change something.
    pub(super) fn asked(&self) {
        self.reached.fetch_max(ASKED, Ordering::Relaxed);
    }

    /// systemd has taken the job.
    pub(super) fn runs(&self) {
        self.reached.fetch_max(RUNS, Ordering::Relaxed);
    }

    /// What is true of an operation that was given up here.
    pub fn told(&self) -> &'static str {
        match self.reached.load(Ordering::Relaxed) {
            RUNS => "systemd continues with the request",
            ASKED => "systemd received the request, but has not confirmed it",
            _ => "systemd had not yet received a request to change anything",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_reached_is_told_and_nothing_is_taken_back() {
        let progress = Progress::default();
        assert!(progress.told().contains("not yet received a request"));
        progress.asked();
        assert!(progress.told().contains("received the request"));
        progress.runs();
        progress.asked();
        assert!(progress.told().contains("continues"));
    }
}
