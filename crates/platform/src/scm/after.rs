//! What is true of a service after an operation, and how long a pending state is waited for. The manager's answer says that a
//! process was asked to start, not that it works: one that ends at once without an error was started and does nothing.
//!
//! The wait follows "Starting a Service" of Microsoft's documentation: by the service's own hint, and only while its checkpoint
//! grows.

use super::state::{State, Status};
use std::time::Duration;

/// How long a service that came up is given before it is judged: one that cannot work usually ends within this.
pub const SETTLE: Duration = Duration::from_secs(1);

/// A service that is in no pending state after its start.
///
/// # Errors
/// It does not run, and why.
pub fn of_start(status: &Status) -> Result<(), String> {
    match status.state {
        State::Running => Ok(()),
        State::Stopped if status.failed() => Err(status.exit_words()),
        State::Stopped => Err("its process ended at once, without an error".into()),
        _ => Err(format!("it is {}", status.word())),
    }
}

/// One that ran after its start (`then`), looked at again a moment later.
///
/// # Errors
/// It did not stay up.
pub fn of_settling(then: &Status, now: &Status) -> Result<(), String> {
    let why = match now.state {
        State::Running if then.pid == now.pid => return Ok(()),
        State::Running => "its process ended at once, and it was started again".into(),
        State::Stopped if !now.failed() => "its process ended soon after its start, without an error".into(),
        State::Stopped => now.exit_words(),
        // What it does now was asked of it after its start, or is its own affair: it is up.
        State::Paused | State::PausePending | State::ContinuePending => return Ok(()),
        _ => format!("it is {} again", now.word()),
    };
    Err(why)
}

/// A service in no pending state after its stop.
///
/// # Errors
/// It is not stopped.
pub fn of_stop(status: &Status) -> Result<(), String> {
    match status.state {
        State::Stopped => Ok(()),
        _ => Err(format!("it was stopped, but is {} again", status.word())),
    }
}

/// Between two looks: a tenth of the hint, within these.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);
/// Many services give no hint, or one that they do not keep.
const WAIT_AT_MOST: Duration = Duration::from_secs(30);

/// A wait under way. Pure: it is told how long was waited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wait {
    checkpoint: u32,
    without_progress: Duration,
}

impl Wait {
    /// How long to wait before the next look; `None` where the service makes no progress any more.
    pub fn next(&mut self, status: &Status) -> Option<Duration> {
        if status.checkpoint != self.checkpoint {
            *self = Self { checkpoint: status.checkpoint, ..Self::default() };
        }
        let hint = Duration::from_millis(status.wait_hint_ms.into());
        if self.without_progress >= hint.max(WAIT_AT_MOST) {
            return None;
        }
        let pause = (hint / 10).clamp(SHORTEST, LONGEST);
        self.without_progress += pause;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: State, exit_code: u32, pid: u32) -> Status {
        Status { state, exit_code, pid, ..Status::default() }
    }

    #[test]
    fn only_one_that_runs_was_started() {
        assert_eq!(of_start(&status(State::Running, 0, 7)), Ok(()));
        let ended = of_start(&status(State::Stopped, 0, 0)).unwrap_err();
        assert!(ended.contains("ended at once, without an error"), "{ended}");
        assert!(of_start(&status(State::Stopped, 1067, 0)).unwrap_err().contains("1067"));
        assert!(of_start(&status(State::Paused, 0, 7)).unwrap_err().contains("paused"));
        assert!(of_start(&status(State::Unknown(9), 0, 7)).is_err());
    }

    #[test]
    fn one_that_ended_or_came_anew_while_it_was_looked_at_was_not_started() {
        let up = status(State::Running, 0, 7);
        assert_eq!(of_settling(&up, &up), Ok(()));
        for (now, words) in [
            (status(State::Running, 0, 8), "started again"),
            (status(State::Stopped, 0, 0), "without an error"),
            (status(State::Stopped, 1067, 0), "1067"),
            (status(State::StopPending, 0, 7), "stopping"),
            (status(State::StartPending, 0, 8), "starting"),
        ] {
            let why = of_settling(&up, &now).unwrap_err();
            assert!(why.contains(words), "{now:?}: {why}");
        }
    }

    #[test]
    fn one_that_runs_after_its_stop_was_not_stopped() {
        assert_eq!(of_stop(&status(State::Stopped, 0, 0)), Ok(()));
        assert!(of_stop(&status(State::Running, 0, 8)).unwrap_err().contains("running again"));
    }

    fn pending(checkpoint: u32, wait_hint_ms: u32) -> Status {
        Status { checkpoint, wait_hint_ms, ..Status::default() }
    }

    /// How long is waited in all with a checkpoint that grows every `every`th look, if at all, and at most `looks`.
    fn waited(hint: u32, every: Option<u32>, looks: u32) -> (Duration, bool) {
        let (mut wait, mut total) = (Wait::default(), Duration::ZERO);
        for look in 0..looks {
            let Some(pause) = wait.next(&pending(every.map_or(0, |every| look / every), hint)) else {
                return (total, true);
            };
            total += pause;
        }
        (total, false)
    }

    #[test]
    fn a_service_without_progress_is_given_up_after_its_hint_or_half_a_minute() {
        assert_eq!(waited(0, None, 10_000), (WAIT_AT_MOST, true));
        assert_eq!(waited(2000, None, 10_000), (WAIT_AT_MOST, true));
        assert_eq!(waited(120_000, None, 10_000), (Duration::from_secs(120), true));
    }

    #[test]
    fn a_service_that_makes_progress_is_waited_for() {
        let (total, given_up) = waited(1000, Some(20), 10_000);
        assert!(!given_up && total > Duration::from_secs(300), "{total:?}");
    }
}
