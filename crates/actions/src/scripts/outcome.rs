//! What becomes of a script's end: an exit code in any case, and its output within a bound, marked where it was cut.

use super::store::{INTERRUPTED, INTERRUPTED_CODE, Written};
use infiniservice_exec::{Captured, CommandError, Finished, Status, Stop};
use infiniservice_protocol::data::{ScriptInfo, ScriptState};

/// Kept of each of its streams, in bytes.
pub(super) const OUTPUT_MAX: usize = 256 << 10;
/// As timeout(1) has it.
const TIMED_OUT: i32 = 124;
/// As shells have it for what may not be run,
pub(super) const NOT_ALLOWED: i32 = 126;
/// for what cannot be,
pub(super) const NOT_STARTED: i32 = 127;
/// and beside the number of the signal that ended it.
const SIGNALLED: i32 = 128;
/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 500;

/// How a script ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ending {
    exit_code: i32,
    /// Why it did not end by itself.
    why: Option<String>,
    pub(super) written: Written,
    /// What it wrote in all.
    pub(super) output_bytes: u64,
}

impl Ending {
    /// Of one that never ran.
    pub(super) fn of_none(exit_code: i32, why: &str) -> Self {
        let why: String = why.chars().take(REASON_MAX).collect();
        let written = Written { stdout: String::new(), stderr: why.clone() };
        Self { exit_code, why: Some(why), written, output_bytes: 0 }
    }

    /// Of one that ran, or was to.
    pub(super) fn of(result: Result<Finished, CommandError>) -> Self {
        let finished = match result {
            Ok(finished) => finished,
            Err(error) => return Self::of_none(NOT_STARTED, &error.error),
        };
        let (exit_code, why) = match finished.status {
            Status::Exited(code) => (code, None),
            Status::Signalled(signal) => {
                (SIGNALLED + signal, Some(format!("it was ended by signal {signal}")))
            }
            Status::Stopped(Stop::TimedOut(after)) => {
                (TIMED_OUT, Some(format!("it did not end within {} s and was ended", after.as_secs())))
            }
            Status::Stopped(Stop::Cancelled) | Status::Detached => {
                (INTERRUPTED_CODE, Some(INTERRUPTED.to_owned()))
            }
            Status::Stopped(Stop::Withdrawn) => (INTERRUPTED_CODE, Some("the host cancelled it".to_owned())),
            Status::Enough | Status::Lost => {
                (INTERRUPTED_CODE, Some("the system does not say how it ended".to_owned()))
            }
        };
        let output_bytes = finished.stdout.total_bytes.saturating_add(finished.stderr.total_bytes);
        let mut written = Written { stdout: kept(finished.stdout), stderr: kept(finished.stderr) };
        if let Some(why) = &why {
            append(&mut written.stderr, why);
        }
        Self { exit_code, why, written, output_bytes }
    }

    /// The script with its end.
    pub(super) fn told(&self, info: &ScriptInfo, now: String) -> ScriptInfo {
        ScriptInfo {
            state: ScriptState::Ended,
            exit_code: Some(self.exit_code),
            error: self.why.clone(),
            ended_at: Some(now),
            ..info.clone()
        }
    }
}

fn kept(captured: Captured) -> String {
    let Captured { mut text, total_bytes, truncated, .. } = captured;
    if truncated {
        append(&mut text, &format!("[cut: it wrote {total_bytes} bytes]"));
    }
    text
}

/// On a line of its own.
fn append(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::ErrorCode;
    use std::time::Duration;

    fn ended(status: Status) -> Ending {
        let (stdout, stderr) = ("out".to_owned().into(), "err".to_owned().into());
        Ending::of(Ok(Finished { status, stdout, stderr }))
    }

    #[test]
    fn each_end_has_an_exit_code_and_the_reason_is_the_last_of_the_error_output() {
        let timed_out = Status::Stopped(Stop::TimedOut(Duration::from_secs(9)));
        for (status, code, stderr) in [
            (Status::Exited(0), 0, "err"),
            (Status::Exited(-1_073_741_510), -1_073_741_510, "err"),
            (Status::Signalled(9), 137, "err\nit was ended by signal 9"),
            (timed_out, 124, "err\nit did not end within 9 s and was ended"),
            (Status::Stopped(Stop::Cancelled), 1, "err\ninterrupted by a restart; not run again"),
        ] {
            let ended = ended(status);
            assert_eq!((ended.exit_code, ended.written.stderr.as_str()), (code, stderr));
            assert_eq!((ended.written.stdout.as_str(), ended.output_bytes), ("out", 6));
        }
        let unknown = Ending::of(Err(CommandError::new(ErrorCode::NotFound, "there is no user \"x\"")));
        assert_eq!((unknown.exit_code, unknown.written.stderr.as_str()), (127, "there is no user \"x\""));
    }

    #[test]
    fn output_that_was_cut_says_so() {
        let cut = Captured {
            text: "beginning\n".into(),
            total_bytes: 1 << 30,
            truncated: true,
            ..Captured::default()
        };
        assert_eq!(kept(cut), "beginning\n[cut: it wrote 1073741824 bytes]");
    }
}
