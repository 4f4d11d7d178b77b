//! What is to be run, and what came of it.

use crate::{Captured, CommandError, CommandOutcome, Stop};
use infiniservice_protocol::ErrorCode;
use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// By its name, looked for in /usr/sbin, /usr/bin, /sbin and /bin only; on Windows in the system directory and those of
    /// PowerShell and WMI below it.
    Named(&'static str),
    /// By its absolute path.
    At(PathBuf),
}

/// How a program's output is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// As text that is harmless everywhere: valid UTF-8, no NUL.
    #[default]
    Text,
    /// Byte for byte.
    Bytes,
    /// The same, and its error output between its output, in the order in which it wrote them; on Linux only.
    Merged,
}

/// A user with all his groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Real, effective and saved user id.
    pub uid: u32,
    /// Real, effective and saved group id.
    pub gid: u32,
    /// The supplementary groups; no others stay.
    pub groups: Vec<u32>,
}

/// One run of one program. Its environment is `LC_ALL=C.UTF-8`, `PATH` and what `environment` adds.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What to start.
    pub program: Program,
    /// Its arguments, without the program itself.
    pub arguments: Vec<OsString>,
    /// On Windows, where programs take their command line apart themselves: in place of `arguments`, as it stands.
    pub command_line: Option<OsString>,
    /// Added to the clean environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it starts; `/` when absent. It is entered as `identity`.
    pub directory: Option<PathBuf>,
    /// As whom it runs; as the agent itself when absent.
    pub identity: Option<Identity>,
    /// What it reads from its stdin. May be a secret: `Debug` shows its length.
    pub input: Vec<u8>,
    /// Whether it goes on when the agent ends, as far as the system can do that.
    pub outlives_the_agent: bool,
    /// Of each of stdout and stderr so much is kept, in bytes; the rest is read, counted and dropped.
    pub max_output_bytes: usize,
    /// How that is kept.
    pub output: Output,
    /// Whether file systems may be frozen while it runs: the host's own programs, and plugins. A write of it then waits in the
    /// kernel. Its start never falls into a freeze.
    pub runs_while_frozen: bool,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, arguments, directory, identity, input, .. } = self;
        let mut shown = f.debug_struct("Request");
        shown.field("program", program).field("arguments", arguments).field("directory", directory);
        shown.field("identity", identity).field("input_bytes", &input.len()).finish_non_exhaustive()
    }
}

impl Request {
    /// A run of a named program.
    pub fn new<A: Into<OsString>>(program: &'static str, arguments: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: Program::Named(program),
            arguments: arguments.into_iter().map(Into::into).collect(),
            command_line: None,
            environment: Vec::new(),
            directory: None,
            identity: None,
            input: Vec::new(),
            outlives_the_agent: false,
            max_output_bytes: 1 << 20,
            output: Output::Text,
            runs_while_frozen: false,
        }
    }

    /// The same with a variable more.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The same, going on when the agent ends.
    #[must_use]
    pub fn outliving_the_agent(mut self) -> Self {
        self.outlives_the_agent = true;
        self
    }

    /// The same with another bound on captured output.
    #[must_use]
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output_bytes = bytes;
        self
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It returned this code.
    Exited(i32),
    /// It was ended by this signal.
    Signalled(i32),
    /// The runner ended it and all its processes.
    Stopped(Stop),
    /// The agent ends, and it goes on.
    Detached,
    /// Who took its lines wanted no more, or it wrote more than any list is long; the runner ended it.
    Enough,
    /// It ended, and the system does not say how.
    Lost,
}

const LOST: &str = "the program ended, and the system did not report its exit status";

const GOES_ON: &str =
    "the agent is shutting down; the change continues without it, and its result will not be reported";

/// A program that ran, with what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub status: Status,
    /// Its output.
    pub stdout: Captured,
    /// Its error output.
    pub stderr: Captured,
}

impl Finished {
    /// Exit code, where it returned one.
    pub fn exit_code(&self) -> Option<i32> {
        match self.status {
            Status::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// Whether it returned 0.
    pub fn succeeded(&self) -> bool {
        self.status == Status::Exited(0)
    }

    /// A program that was ended before it began.
    pub(super) fn before_it_began(stop: Stop) -> Self {
        Self { status: Status::Stopped(stop), stdout: Captured::default(), stderr: Captured::default() }
    }

    /// The failure that it is, with its output: `TIMEOUT`, `CANCELLED`, or else `code` with `error`.
    pub fn into_error(self, code: ErrorCode, error: impl Into<String>) -> CommandError {
        let exit_code = self.exit_code();
        let mut error = match self.status {
            Status::Stopped(stop) => stop.into(),
            Status::Detached => CommandError::new(ErrorCode::Cancelled, GOES_ON),
            Status::Lost => CommandError::new(ErrorCode::ExecutionFailed, LOST),
            _ => CommandError::new(code, error),
        };
        let (stdout, stderr) = (self.stdout, self.stderr);
        *error.partial = CommandOutcome { stdout, stderr, exit_code, ..CommandOutcome::default() };
        error
    }
}

/// A program that could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It is in none of the directories.
    #[error("the program {0} is not installed")]
    NotInstalled(String),
    /// Others than root could have put it there.
    #[error("refused to start the program {path}: {why}")]
    Untrusted {
        /// Where it was found.
        path: String,
        /// Whose it is, or who may write it.
        why: &'static str,
    },
    /// It cannot start there.
    #[error("cannot enter the directory {path}: {error}")]
    Directory {
        /// The directory.
        path: String,
        /// The system's reason.
        error: String,
        /// Its kind.
        kind: ErrorKind,
    },
    /// It cannot run as that user.
    #[error("a command cannot run as the user with uid {uid}: {error}")]
    Identity {
        /// Whose.
        uid: u32,
        /// The system's reason.
        error: String,
    },
    /// The system would not start it.
    #[error("the program {program} could not be started: {error}")]
    NotStarted {
        /// Its path.
        program: String,
        /// The system's reason.
        error: String,
    },
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        let code = match error {
            RunError::NotInstalled(_) => ErrorCode::Unsupported,
            RunError::Untrusted { .. }
            | RunError::Identity { .. }
            | RunError::Directory { kind: ErrorKind::PermissionDenied, .. } => ErrorCode::PermissionDenied,
            RunError::Directory { kind: ErrorKind::NotFound, .. } => ErrorCode::NotFound,
            RunError::Directory { .. } => ErrorCode::InvalidParameter,
            RunError::NotStarted { .. } => ErrorCode::ExecutionFailed,
        };
        Self::new(code, error.to_string())
    }
}
