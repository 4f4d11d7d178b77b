//! What a command came to, typed, and the one place where it becomes a `response`.

use infiniservice_platform::scm::ScmError;
use infiniservice_protocol::text::one_line;
use infiniservice_protocol::{ErrorCode, ParamError, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

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

/// The `response` for one id that waited for `result`.
pub fn response(id: &str, command_type: &str, took: Duration, result: CommandResult) -> Response {
    let (mut response, outcome) = match result {
        Ok(outcome) => (Response::ok(id, command_type, Value::Null), outcome),
        // What it tells also reaches the log and the audit, not only the wire.
        Err(error) => {
            (Response::failed(id, command_type, error.code, one_line(&error.error)), *error.partial)
        }
    };
    response.execution_time_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    response.data = container(outcome.data);
    response.exit_code = outcome.exit_code;
    (response.stdout, response.stdout_truncated, response.stdout_bytes) = split(outcome.stdout);
    (response.stderr, response.stderr_truncated, response.stderr_bytes) = split(outcome.stderr);
    response
}

/// The contract promises an object or an array.
fn container(data: Value) -> Value {
    match data {
        Value::Object(_) | Value::Array(_) => data,
        _ => Value::Object(Map::new()),
    }
}

fn split(captured: Captured) -> (String, Option<bool>, Option<u64>) {
    let cut = captured.truncated.then_some(true);
    (captured.text, cut, cut.map(|_| captured.total_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_success_carries_data_time_and_nothing_of_a_failure() {
        let result = CommandOutcome::of(&json!([1]));
        let response = response("7", "ServiceList", Duration::from_millis(12), result);
        assert!(response.success);
        assert_eq!((response.data, response.execution_time_ms), (json!([1]), 12));
        assert_eq!((response.error, response.error_code, response.stdout_truncated), (None, None, None));
    }

    #[test]
    fn data_is_an_empty_object_where_there_is_none() {
        let result = CommandOutcome::of(&Value::Null);
        assert_eq!(response("7", "X", Duration::ZERO, result).data, json!({}));
    }

    #[test]
    fn no_answer_has_more_output_than_the_bound_whether_it_failed_or_not() {
        let long: Captured = "é".repeat(1000).into();
        let outcome = CommandOutcome { stdout: long.clone(), stderr: long, ..CommandOutcome::default() };
        let mut error = CommandError::new(ErrorCode::ExecutionFailed, "failed");
        *error.partial = outcome.clone();
        for result in [Ok(outcome), Err(error)] {
            let response = response("7", "X", Duration::ZERO, bounded(result, 101));
            assert_eq!((response.stdout.len(), response.stderr.len()), (100, 100));
            assert_eq!((response.stdout_truncated, response.stdout_bytes), (Some(true), Some(2000)));
        }
    }

    #[test]
    fn cut_output_says_so_with_its_true_length() {
        let mut error = CommandError::new(ErrorCode::Timeout, "too slow");
        error.partial.stdout =
            Captured { text: "ab".into(), total_bytes: 9, truncated: true, ..Captured::default() };
        let response = response("7", "X", Duration::ZERO, Err(error));
        assert_eq!(
            (response.stdout.as_str(), response.stdout_truncated, response.stdout_bytes),
            ("ab", Some(true), Some(9))
        );
        assert_eq!((response.stderr_truncated, response.stderr_bytes), (None, None));
        assert_eq!(response.error_code, Some(ErrorCode::Timeout));
    }
}
