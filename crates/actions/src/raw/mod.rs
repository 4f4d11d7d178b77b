//! `UnsafeCommand`: a text for a shell, as the agent itself or as another user. Off unless `allow_unsafe_commands` is set.

mod check;
#[cfg(any(test, target_os = "windows"))]
mod command_line;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as imp;

pub(super) use check::RawCommand;

use super::context::CommandContext;
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Control, Finished, Status};
use infiniservice_protocol::ErrorCode;

/// Runs the command until it ends, or until `control` says so; then nothing that it started is left.
pub(super) async fn run(command: RawCommand, context: &CommandContext, control: &Control) -> CommandResult {
    let request = imp::request(command, control).await?.max_output(context.max_output_bytes);
    outcome(context.runner.run(request, control).await?)
}

fn outcome(finished: Finished) -> CommandResult {
    if finished.succeeded() {
        let exit_code = finished.exit_code();
        let (stdout, stderr) = (finished.stdout, finished.stderr);
        return Ok(CommandOutcome { stdout, stderr, exit_code, ..CommandOutcome::default() });
    }
    Err(failure(finished))
}

fn failure(finished: Finished) -> CommandError {
    let error = match finished.status {
        Status::Exited(code) => format!("the command ended with exit code {code}"),
        Status::Signalled(signal) => format!("the command was ended by signal {signal}"),
        Status::Stopped(_) | Status::GoesOn | Status::Enough | Status::Lost => String::new(),
    };
    finished.into_error(ErrorCode::ExecutionFailed, error)
}
