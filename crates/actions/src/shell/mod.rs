//! `UnsafeCommand`: a text for a shell, as the agent itself or as another user. Off unless `allow_unsafe_commands` is set.

#[cfg(any(test, target_os = "windows"))]
mod command_line;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "windows")]
mod windows;

use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult, Finished, Status};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::host::UnsafeCommand;
#[cfg(target_os = "linux")]
use linux as imp;
use std::path::{Path, PathBuf};
#[cfg(target_os = "windows")]
use windows as imp;

/// Runs the command until it ends, or until `cancellation` says so; then nothing that it started is left.
pub(super) async fn run(
    command: RawCommand,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let request = imp::request(command, cancellation).await?.max_output(context.max_output_bytes);
    outcome(context.runner.run(request, cancellation).await?)
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
        Status::Stopped(_) | Status::Detached | Status::Enough | Status::Lost => String::new(),
    };
    finished.into_error(ErrorCode::ExecutionFailed, error)
}

/// Longest single argument or variable that Linux gives to a program, its NUL included (`MAX_ARG_STRLEN`, execve(2)).
const MAX_ARGUMENT_BYTES: usize = 128 << 10;
/// All of the command's text and variables together: an eighth of what execve(2) takes where the stack is 8 MiB.
const MAX_TOTAL_BYTES: usize = 256 << 10;
/// Longest path, its NUL included (`PATH_MAX`).
const MAX_PATH_BYTES: usize = 4096;

/// A raw command that may be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawCommand {
    shell: &'static str,
    text: String,
    directory: Option<PathBuf>,
    environment: Vec<(String, String)>,
    run_as: Option<String>,
}

impl RawCommand {
    /// Checks what the wire's parser cannot know.
    pub(crate) fn check(command: UnsafeCommand) -> Result<Self, CommandError> {
        let shell = imp::shell(command.shell.as_deref())?;
        check_sizes(&command)?;
        if let Some(user) = &command.run_as {
            imp::check_user(user)?;
        }
        let directory = command.working_dir.map(directory).transpose()?;
        let (text, environment) = (command.raw_command, command.env_vars);
        Ok(Self { shell, text, directory, environment, run_as: command.run_as })
    }
}

fn check_sizes(command: &UnsafeCommand) -> Result<(), CommandError> {
    if command.raw_command.len() >= MAX_ARGUMENT_BYTES {
        return Err(invalid(format!(
            "`raw_command` must be shorter than {MAX_ARGUMENT_BYTES} bytes, not {}",
            command.raw_command.len()
        )));
    }
    let size = |(name, value): &(String, String)| name.len() + value.len() + 2;
    if let Some((name, _)) = command.env_vars.iter().find(|variable| size(variable) > MAX_ARGUMENT_BYTES) {
        let name: String = name.chars().take(40).collect();
        return Err(invalid(format!("`env_vars`: {name:?} must be shorter than {MAX_ARGUMENT_BYTES} bytes")));
    }
    let total = command.raw_command.len() + command.env_vars.iter().map(size).sum::<usize>();
    if total > MAX_TOTAL_BYTES {
        let error = format!("`raw_command` and `env_vars` together must not exceed {MAX_TOTAL_BYTES} bytes");
        return Err(invalid(format!("{error}, not {total}")));
    }
    Ok(())
}

fn directory(text: String) -> Result<PathBuf, CommandError> {
    if !Path::new(&text).is_absolute() {
        let shown: String = text.chars().take(80).collect();
        return Err(invalid(format!("`working_dir` must be an absolute path, not {shown:?}")));
    }
    if text.len() >= MAX_PATH_BYTES {
        return Err(invalid(format!(
            "`working_dir` must be shorter than {MAX_PATH_BYTES} bytes, not {}",
            text.len()
        )));
    }
    Ok(text.into())
}

fn invalid(error: String) -> CommandError {
    CommandError::new(ErrorCode::InvalidParameter, error)
}
