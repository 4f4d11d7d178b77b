//! Messages from the guest to the host.
//!
//! `timestamp` is absent while a message waits: the line's writer adds it, so that it is the time of writing.

use crate::ErrorCode;
use crate::batch::BatchResult;
pub use crate::hello::{Capability, Channel, ChannelRole, ChannelStart, Features, Hello};
use crate::metrics::SystemMetrics;
use crate::stream::Stream;
use crate::trace::Trace;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line of the guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)]
pub enum GuestMessage {
    /// Periodic or asked-for metrics.
    SystemMetrics(SystemMetrics),
    /// Heartbeat, or the answer to the host's ping.
    KeepAlive(KeepAlive),
    /// The answer to a command.
    Response(Response),
    /// Input that belongs to no command.
    Error(ErrorMessage),
    /// The circuit breaker changed its state.
    CircuitBreakerState(CircuitBreakerReport),
    /// Who and what this agent is.
    Hello(Hello),
    /// A sample of a subscription.
    Stream(Stream),
    /// New output of a command's program.
    Output(Output),
    /// All commands of a batch are answered.
    BatchResult(BatchResult),
    /// What a connection of a port beside the first one begins with.
    Channel(ChannelStart),
}

impl GuestMessage {
    /// When the line was written; absent while the message waits.
    pub fn timestamp(&self) -> Option<&str> {
        match self {
            Self::SystemMetrics(message) => message.timestamp.as_deref(),
            Self::KeepAlive(message) => message.timestamp.as_deref(),
            Self::Response(message) => message.timestamp.as_deref(),
            Self::Error(message) => message.timestamp.as_deref(),
            Self::CircuitBreakerState(message) => message.timestamp.as_deref(),
            Self::Hello(message) => message.timestamp.as_deref(),
            Self::Stream(message) => message.timestamp.as_deref(),
            Self::Output(message) => message.timestamp.as_deref(),
            Self::BatchResult(message) => message.timestamp.as_deref(),
            Self::Channel(message) => message.timestamp.as_deref(),
        }
    }

    /// Where the time went, as an answer tells it.
    pub fn trace(&self) -> Option<&Trace> {
        match self {
            Self::SystemMetrics(message) => message.trace.as_deref(),
            Self::Response(message) => message.trace.as_deref(),
            Self::BatchResult(message) => message.trace.as_deref(),
            _ => None,
        }
    }

    /// Makes it a message that waits.
    pub fn clear_timestamp(&mut self) {
        match self {
            Self::SystemMetrics(message) => message.timestamp = None,
            Self::KeepAlive(message) => message.timestamp = None,
            Self::Response(message) => message.timestamp = None,
            Self::Error(message) => message.timestamp = None,
            Self::CircuitBreakerState(message) => message.timestamp = None,
            Self::Hello(message) => message.timestamp = None,
            Self::Stream(message) => message.timestamp = None,
            Self::Output(message) => message.timestamp = None,
            Self::BatchResult(message) => message.timestamp = None,
            Self::Channel(message) => message.timestamp = None,
        }
    }
}

/// `keep_alive`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeepAlive {
    /// Counts from 1 as long as the agent runs, or the host's own number.
    pub sequence_number: u64,
    /// RFC 3339, UTC, milliseconds; set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// `response`: exactly one for each accepted id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Response {
    /// The command's id.
    pub id: String,
    /// Whether it did what was asked.
    pub success: bool,
    /// Exit code of the program, if one ran.
    pub exit_code: Option<i32>,
    /// Captured output.
    pub stdout: String,
    /// Captured error output.
    pub stderr: String,
    /// Time from start to end, without waiting in the queue.
    pub execution_time_ms: u64,
    /// The action's name, or `UnsafeCommand`.
    pub command_type: String,
    /// An object or array, `{}` at least.
    pub data: Value,
    /// One sentence for a person, who can act on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// For programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
    /// Present and true when `stdout` was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_truncated: Option<bool>,
    /// Full length of a cut `stdout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_bytes: Option<u64>,
    /// Present and true when `stderr` was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_truncated: Option<bool>,
    /// Full length of a cut `stderr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_bytes: Option<u64>,
    /// Full number of items, if `data` is a list that was cut because the line was full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_truncated: Option<u64>,
    /// Where the time went, for a request with a `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<Trace>>,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

impl Response {
    /// A success with `data`.
    pub fn ok(id: impl Into<String>, command_type: impl Into<String>, data: Value) -> Self {
        Self { success: true, data, ..Self::empty(id.into(), command_type.into()) }
    }

    /// A failure with its code and its sentence.
    pub fn failed(
        id: impl Into<String>,
        command_type: impl Into<String>,
        code: ErrorCode,
        error: impl Into<String>,
    ) -> Self {
        Self {
            error: Some(error.into()),
            error_code: Some(code),
            ..Self::empty(id.into(), command_type.into())
        }
    }

    fn empty(id: String, command_type: String) -> Self {
        Self {
            id,
            success: false,
            exit_code: None,
            stdout: String::new(),
            stderr: String::new(),
            execution_time_ms: 0,
            command_type,
            data: Value::Object(serde_json::Map::new()),
            error: None,
            error_code: None,
            stdout_truncated: None,
            stdout_bytes: None,
            stderr_truncated: None,
            stderr_bytes: None,
            data_truncated: None,
            trace: None,
            timestamp: None,
        }
    }
}

/// `output`: new output of a command with `progress`. The response has all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The command's id.
    pub id: String,
    /// The stream that it was written to.
    pub stream: OutputStream,
    /// From 1 in each stream; a gap means that something was left out.
    pub seq: u64,
    /// At most 16 KiB of the output.
    pub text: String,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// Where a program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// `error`: for input that belongs to no command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorMessage {
    /// One sentence.
    pub error: String,
    /// For programs.
    pub error_code: ErrorCode,
    /// The beginning of the line, or other details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// State of the circuit breaker, in the wire's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BreakerState {
    /// Normal operation.
    Closed,
    /// Nothing is tried.
    Open,
    /// A few attempts decide what follows.
    HalfOpen,
}

/// `circuit_breaker_state`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CircuitBreakerReport {
    /// The new state.
    pub state: BreakerState,
    /// Failures in a row.
    pub failure_count: u32,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_time: Option<String>,
    /// Until the next probe, while open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_eta_seconds: Option<u64>,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}
