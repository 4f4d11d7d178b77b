//! Several commands in one line: `Batch`, and `batch_result`, which follows their responses.

use crate::ErrorCode;
use crate::trace::Trace;
use serde::{Deserialize, Serialize};

/// The name of the request, in the answer to one that is refused and in the audit.
pub const BATCH: &str = "Batch";
/// Commands of one batch, at most.
pub const MAX_COMMANDS: usize = 64;

/// The order in which the commands of a batch run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One after the other.
    #[default]
    Sequential,
    /// In parallel, as far as slots are free.
    Parallel,
}

/// What happens to the other commands of a batch if one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Commands that have not begun do not run.
    #[default]
    Stop,
    /// The other commands run.
    Continue,
}

/// `batch_result`: after the responses of all its commands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchResult {
    /// The batch's id.
    pub id: String,
    /// Whether every command did what was asked.
    pub success: bool,
    /// One for each command, in the order of the batch.
    pub outcomes: Vec<Outcome>,
    /// How many outcomes there were, if some were left out because the line was full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes_truncated: Option<u64>,
    /// Time from accepting the batch to its end, including waiting.
    pub execution_time_ms: u64,
    /// Where the time went, for a batch with a `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<Trace>>,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// The result of a command of a batch; its response has the details.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// The command's id.
    pub id: String,
    /// Whether it did what was asked.
    pub success: bool,
    /// Exit code of the program, if one ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
}
