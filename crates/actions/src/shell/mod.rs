//! `UnsafeCommand`: a text for a shell, as the agent itself or as another user. Off unless `allow_unsafe_commands` is set.

#[cfg(any(test, target_os = "windows"))]
mod command_line;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "windows")]
mod windows;

use infiniservice_exec::{
    Cancellation, CommandError, CommandOutcome, CommandResult, Finished, Request, Runner, Status,
};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::MAX_SCRIPT_BYTES;
use infiniservice_protocol::host::UnsafeCommand;
use infiniservice_protocol::trace::TraceContext;
#[cfg(target_os = "linux")]
use linux as imp;
use std::path::{Path, PathBuf};
#[cfg(target_os = "windows")]
use windows as imp;
#[cfg(target_os = "windows")]
pub(crate) use windows::file::private_directory;

pub(crate) use imp::file::{TextFile, clean};

/// What is to be started, and the file that holds its text, which is there until this is dropped.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) request: Request,
    pub(crate) file: Option<TextFile>,
}

/// Runs the command until it ends, or until `cancellation` says so; then nothing that it started is left.
pub(super) async fn run(
    command: RawCommand,
    runner: &dyn Runner,
    max_output_bytes: usize,
    cancellation: &Cancellation,
) -> CommandResult {
    outcome(finish(command, runner, max_output_bytes, cancellation).await?)
}

/// The same, as it ended; of its output so many bytes are kept.
pub(crate) async fn finish(
    command: RawCommand,
    runner: &dyn Runner,
    max_output_bytes: usize,
    cancellation: &Cancellation,
) -> Result<Finished, CommandError> {
    let Prepared { request, file } = imp::request(command, cancellation).await?;
    let finished = runner.run(request.max_output(max_output_bytes), &cancellation.showing_output()).await;
    drop(file);
    Ok(finished?)
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
/// All of the command's variables together: an eighth of what execve(2) takes where the stack is 8 MiB.
const MAX_TOTAL_BYTES: usize = 256 << 10;
/// Longest text: as long as the longest line of a host.
const MAX_TEXT_BYTES: usize = MAX_SCRIPT_BYTES;
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
    /// Whether the shell gets the path of a file with the text.
    in_file: bool,
}

impl RawCommand {
    /// The shell of this name, or the platform's own.
    pub(crate) fn shell(asked: Option<&str>) -> Result<&'static str, CommandError> {
        imp::shell(asked)
    }

    /// Checks what the wire's parser cannot know.
    pub(crate) fn check(command: UnsafeCommand) -> Result<Self, CommandError> {
        let shell = imp::shell(command.shell.as_deref())?;
        check_sizes(&command)?;
        if let Some(user) = &command.run_as {
            imp::check_user(user)?;
        }
        let directory = command.working_dir.map(directory).transpose()?;
        let (text, environment) = (command.raw_command, command.env_vars);
        let in_file = imp::needs_file(&text, shell);
        Ok(Self { shell, text, directory, environment, run_as: command.run_as, in_file })
    }

    /// The same, which finds its place in a trace in its environment, unless the host put another one there. Half of one place
    /// and half of another is none, so either variable of the host's keeps both out.
    #[must_use]
    pub(crate) fn traced(mut self, context: &TraceContext) -> Self {
        let variables = [("TRACEPARENT", Some(context.traceparent())), ("TRACESTATE", context.tracestate())];
        let is_ours = |set: &str| variables.iter().any(|(name, _)| imp::is_same_variable(set, name));
        if self.environment.iter().any(|(set, _)| is_ours(set)) {
            return self;
        }
        for (name, value) in variables {
            self.environment.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        self
    }

    /// The same for a text that no other account of the machine is to read, as it could among a program's arguments.
    #[must_use]
    pub(crate) fn in_file(self) -> Self {
        Self { in_file: true, ..self }
    }
}

fn check_sizes(command: &UnsafeCommand) -> Result<(), CommandError> {
    if command.raw_command.len() > MAX_TEXT_BYTES {
        return Err(invalid(format!(
            "`raw_command` must be at most {MAX_TEXT_BYTES} bytes long, not {}",
            command.raw_command.len()
        )));
    }
    let size = |(name, value): &(String, String)| name.len() + value.len() + 2;
    if let Some((name, _)) = command.env_vars.iter().find(|variable| size(variable) > MAX_ARGUMENT_BYTES) {
        let name: String = name.chars().take(40).collect();
        return Err(invalid(format!("`env_vars`: {name:?} must be shorter than {MAX_ARGUMENT_BYTES} bytes")));
    }
    let total = command.env_vars.iter().map(size).sum::<usize>();
    if total > MAX_TOTAL_BYTES {
        let error = format!("`env_vars` together must not exceed {MAX_TOTAL_BYTES} bytes");
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
