//! Why the service control manager, or a service, did not do what it was asked.

use crate::win32::codes;
use infiniservice_protocol::ErrorCode;

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScmError {
    /// Windows refused a call.
    #[error("{what}: {}", codes::explain(*.code))]
    Win32 {
        /// What was tried.
        what: String,
        /// Of `winerror.h`.
        code: u32,
    },
    /// It makes no sense for this service, or must not be; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// The service did not come to the state that was asked for.
    #[error("{0}")]
    Failed(String),
    /// The command had to end before the service was there.
    #[error("the command ended while {0}; the service control manager continues with it")]
    Ended(String),
}

impl ScmError {
    /// A call for `what` that ended with `code`.
    pub fn win32(what: impl Into<String>, code: u32) -> Self {
        Self::Win32 { what: what.into(), code }
    }

    /// What a host is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Win32 { code: 5, .. } => ErrorCode::PermissionDenied,
            Self::Win32 { code: 1060, .. } => ErrorCode::NotFound,
            Self::Win32 { code: 1055 | 1115, .. } => ErrorCode::Busy,
            Self::Win32 { code: 87 | 123, .. } => ErrorCode::InvalidParameter,
            Self::Ended(_) => ErrorCode::Timeout,
            _ => ErrorCode::ExecutionFailed,
        }
    }
}
