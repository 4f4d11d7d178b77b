//! `UnsafeCommand`: a text for a shell, as the agent itself or as another user. Off unless `allow_unsafe_commands` is set.

mod accounts;
mod check;
mod user;

pub(super) use check::RawCommand;

use super::context::CommandContext;
use super::control::Control;
use super::outcome::{CommandError, CommandOutcome, CommandResult};
use super::runner::{Finished, Program, Request, Status};
use infiniservice_protocol::ErrorCode;
use user::User;

/// Runs the command until it ends, or until `control` says so; then nothing that it started is left.
pub(super) async fn run(command: RawCommand, context: &CommandContext, control: &Control) -> CommandResult {
    let user = match command.run_as.clone() {
        Some(name) => Some(control.bound(user::look_up(name)).await??),
        None => None,
    };
    let request = request(command, user).max_output(context.max_output_bytes);
    outcome(context.runner.run(request, control).await?)
}

/// The user's variables come first, so that `env_vars` may replace them.
fn request(command: RawCommand, user: Option<User>) -> Request {
    // `--`, as a text may begin with a dash.
    let arguments = ["-c", "--", &command.text];
    let mut request = Request { program: Program::Named(command.shell), ..Request::new("sh", arguments) };
    request.directory = command.directory;
    if let Some(user) = user {
        request.environment = user.environment;
        request.identity = Some(user.identity);
    }
    request
        .environment
        .extend(command.environment.into_iter().map(|(name, value)| (name.into(), value.into())));
    request
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
        Status::Stopped(_) | Status::GoesOn => String::new(),
    };
    finished.into_error(ErrorCode::ExecutionFailed, error)
}

#[cfg(test)]
mod tests;
