//! What is true of a service after an operation. The manager's answer says that a process was asked to start, not that it stayed:
//! one that ends at once without an error was started and does nothing.

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
}
