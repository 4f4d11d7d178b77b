//! Ends a process by an open handle: as long as that is open, the number cannot come to mean another process.
//!
//! Windows knows no signals. A process with windows on the agent's desktop is asked to close them (`WM_CLOSE`); one without, which
//! is nearly every one that a service sees, can only be terminated.

use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::win32::codes;
use infiniservice_platform::win32::process_unsafe::{Process, close_windows};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::ProcessKillData;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long a process may take to close its windows and end.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// How long Windows may take to end a process that it terminates; one that waits for a device takes longer.
const END_WAIT: Duration = Duration::from_secs(5);
/// Programs of the system without which it does not run, whatever Windows calls critical.
const NEEDED: [&str; 7] =
    ["csrss.exe", "lsass.exe", "services.exe", "smss.exe", "wininit.exe", "winlogon.exe", "winedevice.exe"];
const WM_CLOSE: &str = "WM_CLOSE";
const TERMINATE: &str = "TerminateProcess";

/// One process, held so that it cannot be mistaken.
struct Target {
    pid: u32,
    name: String,
    process: Arc<Process>,
}

/// Asks it to close, and where that is not possible or, with `force`, does not help, terminates it.
pub(in crate::safe) async fn run(pid: u32, force: bool, cancellation: &Cancellation) -> CommandResult {
    let target = Target::open(pid)?;
    target.refuse_protected()?;
    let asked = close_windows(pid) > 0;
    if asked && target.exits_within(CLOSE_WAIT, cancellation).await? {
        return CommandOutcome::of(&target.data(WM_CLOSE, true));
    }
    if asked && !force {
        return Err(target.still_there(WM_CLOSE, "`force` terminates it"));
    }
    // One that ended at this very moment cannot be terminated any more.
    if let Err(error) = target.process.terminate()
        && !target.process.has_ended()
    {
        return Err(refused(pid, &error));
    }
    if target.exits_within(END_WAIT, cancellation).await? {
        return CommandOutcome::of(&target.data(TERMINATE, true));
    }
    Err(target.still_there(TERMINATE, "it hangs in the kernel, most likely in a driver"))
}

impl Target {
    fn open(pid: u32) -> Result<Self, CommandError> {
        match pid {
            0 | 4 => {
                let error = format!("process {pid} is Windows itself; the agent does not end it");
                return Err(CommandError::new(ErrorCode::PermissionDenied, error));
            }
            // Windows takes a number that is no multiple of four for the one below it.
            pid if pid % 4 != 0 => return Err(not_found(pid)),
            _ => {}
        }
        let process = Process::open_to_end(pid).map_err(|error| refused(pid, &error))?;
        if process.has_ended() {
            return Err(not_found(pid));
        }
        let image = process.image().unwrap_or_default();
        let name = image.rsplit('\\').next().unwrap_or_default().to_owned();
        Ok(Self { pid, name, process: Arc::new(process) })
    }

    fn refuse_protected(&self) -> Result<(), CommandError> {
        let Self { pid, name, process } = self;
        let needed = NEEDED.iter().any(|needed| needed.eq_ignore_ascii_case(name));
        let error = if *pid == std::process::id() {
            "this is the agent itself; it does not end itself".to_owned()
        } else if needed || process.is_critical() {
            format!("process {pid} ({name}) is essential to the system; the agent does not end it")
        } else {
            return Ok(());
        };
        Err(CommandError::new(ErrorCode::PermissionDenied, error))
    }

    /// Whether it ends within `limit`, of which the command's own time leaves at most four fifths.
    async fn exits_within(&self, limit: Duration, cancellation: &Cancellation) -> Result<bool, CommandError> {
        let limit = limit.min(cancellation.remaining() * 4 / 5);
        let process = self.process.clone();
        let wait = blocking::join(Lane::Managers, "the end of a process", move || process.wait(limit));
        let waited = cancellation.run_until_cancelled(wait).await?;
        waited.map_err(|fault| CommandError::new(ErrorCode::Internal, fault.to_string()))
    }

    fn data(&self, signal: &str, exited: bool) -> ProcessKillData {
        ProcessKillData { pid: self.pid, name: self.name.clone(), signal: signal.into(), exited }
    }

    fn still_there(&self, signal: &str, advice: &str) -> CommandError {
        let error = format!("process {} ({}) is still running after {signal}; {advice}", self.pid, self.name);
        let data = serde_json::to_value(self.data(signal, false)).unwrap_or_default();
        CommandError::new(ErrorCode::ExecutionFailed, error).with_data(data)
    }
}

fn not_found(pid: u32) -> CommandError {
    CommandError::new(ErrorCode::NotFound, format!("there is no process {pid}"))
}

/// `ERROR_INVALID_PARAMETER` is what Windows says of a number that no process has.
fn refused(pid: u32, error: &io::Error) -> CommandError {
    let number = error.raw_os_error().map_or(0, infiniservice_platform::win32::hresult::win32);
    match number {
        87 => not_found(pid),
        5 => CommandError::new(
            ErrorCode::PermissionDenied,
            format!("Windows protects process {pid} and does not allow the agent to end it"),
        ),
        other => CommandError::new(
            ErrorCode::ExecutionFailed,
            format!("process {pid} could not be ended: {}", codes::explain(other)),
        ),
    }
}
