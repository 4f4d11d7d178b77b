//! What systemd refuses, as a command's failure.

use crate::CommandError;
use infiniservice_platform::systemd::SystemdError;
use infiniservice_platform::systemd::control::ControlError;
use infiniservice_platform::systemd::name::NameError;
use infiniservice_protocol::ErrorCode;

impl From<NameError> for CommandError {
    fn from(error: NameError) -> Self {
        Self::new(ErrorCode::InvalidParameter, error.to_string())
    }
}

impl From<SystemdError> for CommandError {
    fn from(error: SystemdError) -> Self {
        let code = match error {
            SystemdError::Unreachable(_) => ErrorCode::Unsupported,
            SystemdError::Denied(_) => ErrorCode::PermissionDenied,
            SystemdError::NotFound(_) => ErrorCode::NotFound,
            SystemdError::TimedOut(_) => ErrorCode::Timeout,
            SystemdError::Masked(_) | SystemdError::Failed(_) => ErrorCode::ExecutionFailed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ControlError> for CommandError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Systemd(error) => error.into(),
            ControlError::NotForServices(why) => Self::new(ErrorCode::InvalidParameter, why),
            other => Self::new(ErrorCode::ExecutionFailed, other.to_string()),
        }
    }
}
