//! Holds the loop to the rule of its timers: a deadline that was served is later than the time at which it was served.
//! One that is not would be due for ever, and a loop that never waits hears neither signals nor its own tasks. Pure.

use std::time::Duration;

/// A deadline may be due this many times at one moment: serving one part may make another due at once.
const AT_ONE_MOMENT: u32 = 4;
/// How long a deadline that stays due is put off.
pub const REST: Duration = Duration::from_secs(1);

/// What is known of the deadlines that were served.
#[derive(Debug, Default)]
pub struct Pace {
    served_at: Duration,
    unserved: u32,
    told: bool,
}

/// When to wake up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// The deadline, put off where it stays due; `None`: never.
    pub at: Option<Duration>,
    /// It was put off for the first time: a fault of the program's, worth a line in the log.
    pub news: bool,
}

impl Pace {
    /// All deadlines that had come at `now` were served.
    pub fn served(&mut self, now: Duration) {
        self.served_at = now;
        self.unserved = self.unserved.saturating_add(1);
    }

    /// When to wake up for `deadline`.
    pub fn wake(&mut self, deadline: Option<Duration>) -> Wake {
        let stays_due = deadline.is_some_and(|at| at <= self.served_at);
        if !stays_due {
            self.unserved = 0;
            return Wake { at: deadline, news: false };
        }
        if self.unserved < AT_ONE_MOMENT {
            return Wake { at: deadline, news: false };
        }
        let news = !std::mem::replace(&mut self.told, true);
        Wake { at: Some(self.served_at.saturating_add(REST)), news }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_deadline_that_is_later_than_its_service_is_kept() {
        let mut pace = Pace::default();
        for second in 1..100 {
            pace.served(S(second));
            assert_eq!(pace.wake(Some(S(second + 1))), Wake { at: Some(S(second + 1)), news: false });
        }
        assert_eq!(pace.wake(None).at, None);
    }

    #[test]
    fn a_deadline_that_stays_due_is_put_off_and_told_once() {
        let mut pace = Pace::default();
        let mut told = 0;
        let mut now = S(10);
        for _ in 0..100 {
            pace.served(now);
            let wake = pace.wake(Some(S(3)));
            told += u32::from(wake.news);
            now = now.max(wake.at.unwrap_or_default());
        }
        assert_eq!(told, 1);
        assert!(now >= S(100), "served 100 times, it rested nearly as many seconds: {now:?}");
    }

    #[test]
    fn a_loop_that_recovers_is_not_held_up_any_more() {
        let mut pace = Pace::default();
        for _ in 0..10 {
            pace.served(S(5));
            let _ = pace.wake(Some(S(5)));
        }
        pace.served(S(6));
        assert_eq!(pace.wake(Some(S(7))).at, Some(S(7)));
        pace.served(S(8));
        assert_eq!(pace.wake(Some(S(8))).at, Some(S(8)), "due at one moment is allowed again");
    }
}
