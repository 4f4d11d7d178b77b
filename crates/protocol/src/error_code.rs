//! The stable error codes of the wire.

use serde::{Deserialize, Serialize};

/// Why a message was refused or a command failed; programs on the host decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The line is not JSON, or not UTF-8.
    InvalidJson,
    /// JSON, but not a message: a required field is missing or of the wrong type.
    InvalidMessage,
    /// The line was longer than `max_line_bytes`.
    MessageTooLarge,
    /// `type` is not the type of a message.
    UnknownType,
    /// `action` is not the name of an action.
    UnknownAction,
    /// A parameter is missing, of the wrong type, or out of its range.
    InvalidParameter,
    /// A command with this id is still in flight.
    DuplicateId,
    /// More commands wait than `max_queued_commands`.
    QueueFull,
    /// Raw shell commands are off.
    UnsafeDisabled,
    /// The configuration forbids this action.
    ActionBlocked,
    /// Not on this platform, or the tool it needs is absent.
    Unsupported,
    /// The operating system refused.
    PermissionDenied,
    /// The service, package, process or path does not exist.
    NotFound,
    /// A lock is held by somebody else.
    Busy,
    /// Other packages would be removed or downgraded; `cascade` allows it. Or: the machine belongs to a domain
    /// already.
    Conflict,
    /// The command did not end in its time; partial output is kept.
    Timeout,
    /// It ran, and failed.
    ExecutionFailed,
    /// The agent is shutting down.
    Cancelled,
    /// The signed envelope did not verify.
    SignatureInvalid,
    /// A fault of the agent itself.
    Internal,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "INVALID_JSON",
            Self::InvalidMessage => "INVALID_MESSAGE",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::UnknownAction => "UNKNOWN_ACTION",
            Self::InvalidParameter => "INVALID_PARAMETER",
            Self::DuplicateId => "DUPLICATE_ID",
            Self::QueueFull => "QUEUE_FULL",
            Self::UnsafeDisabled => "UNSAFE_DISABLED",
            Self::ActionBlocked => "ACTION_BLOCKED",
            Self::Unsupported => "UNSUPPORTED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::Busy => "BUSY",
            Self::Conflict => "CONFLICT",
            Self::Timeout => "TIMEOUT",
            Self::ExecutionFailed => "EXECUTION_FAILED",
            Self::Cancelled => "CANCELLED",
            Self::SignatureInvalid => "SIGNATURE_INVALID",
            Self::Internal => "INTERNAL",
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
