//! What a command came to, typed.

use infiniservice_platform::scm::ScmError;
use infiniservice_protocol::{ErrorCode, ParamError};
use serde::Serialize;
use serde_json::Value;

/// Output of a program, at most as much as the bound allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept, made harmless (valid UTF-8, no NUL).
    pub text: String,
    /// What was kept where bytes were asked for; then there is no text.
    pub bytes: Vec<u8>,
    /// How many bytes the program wrote in all.
    pub total_bytes: u64,
    /// Whether what was kept is not all of it.
    pub truncated: bool,
}

impl From<String> for Captured {
    fn from(text: String) -> Self {
        Self { total_bytes: text.len() as u64, text, ..Self::default() }
    }
}

impl Captured {
    /// The same, at most `bytes` of it.
    fn cut_to(&mut self, bytes: usize) {
        if self.text.len() > bytes {
            self.text.truncate(self.text.floor_char_boundary(bytes));
            self.text.shrink_to_fit();
            self.truncated = true;
        }
    }
}

/// What a command brought back: all of it where it did what was asked, what there was until then where it failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandOutcome {
    /// The response's `data`: an object or an array.
    pub data: Value,
    /// Output of the program that ran, where one did.
    pub stdout: Captured,
    /// Its error output.
    pub stderr: Captured,
    /// Its exit code.
    pub exit_code: Option<i32>,
}

impl CommandOutcome {
    /// Cuts its output to the bound for an answer: actions that read lists keep more of it for themselves.
    fn cut_output(&mut self, bytes: usize) {
        self.stdout.cut_to(bytes);
        self.stderr.cut_to(bytes);
    }

    /// An outcome that is all `data`. A value that does not serialise is a fault of ours: `INTERNAL`.
    pub fn of(data: &impl Serialize) -> CommandResult {
        let data =
            serde_json::to_value(data).map_err(|e| CommandError::new(ErrorCode::Internal, e.to_string()))?;
        Ok(Self { data, ..Self::default() })
    }
}

/// A command that failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {error}")]
pub struct CommandError {
    /// For programs.
    pub code: ErrorCode,
    /// One sentence that a person can act on.
    pub error: String,
    /// What there is all the same.
    pub partial: Box<CommandOutcome>,
}

/// What every action returns.
pub type CommandResult = Result<CommandOutcome, CommandError>;

/// The result with no more output than an answer may have, whoever made it.
pub fn bounded(mut result: CommandResult, max_output_bytes: usize) -> CommandResult {
    let outcome = match &mut result {
        Ok(outcome) => outcome,
        Err(error) => &mut *error.partial,
    };
    outcome.cut_output(max_output_bytes);
    result
}

impl CommandError {
    /// A failure with its code and its sentence.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { code, error: error.into(), partial: Box::default() }
    }

    /// The same with error output, such as a unit's last journal lines.
    #[must_use]
    pub fn with_stderr(mut self, stderr: impl Into<Captured>) -> Self {
        self.partial.stderr = stderr.into();
        self
    }

    /// The same with data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.partial.data = data;
        self
    }
}

impl From<ParamError> for CommandError {
    fn from(error: ParamError) -> Self {
        Self::new(error.code, error.message)
    }
}

impl From<ScmError> for CommandError {
    fn from(error: ScmError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
