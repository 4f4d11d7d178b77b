//! Windows services by the service control manager: states, names, errors, and operations carried through to their end.
//!
//! What decides is pure and tested on every platform against a simulated manager; `manager_unsafe` asks the real one.

pub mod after;
pub mod control;
#[cfg(target_os = "windows")]
pub mod manager;
#[cfg(target_os = "windows")]
pub mod manager_unsafe;
pub mod state;

pub use state::{Config, Service, StartType, State, Status};

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

/// Longest name, in UTF-16 units (`CreateServiceW`).
const MAX_UNITS: usize = 256;

/// Checks a name as `CreateServiceW` takes it: no slash of either kind, nothing that does not print. What no option or path is
/// the wire's parser has checked.
pub fn check_name(name: &str) -> Result<(), String> {
    let odd = |c: char| c == '/' || c == '\\' || c == '"' || c.is_control() || c.is_whitespace();
    let must = if name.is_empty() {
        "not be empty"
    } else if name.encode_utf16().count() > MAX_UNITS {
        "be at most 256 characters long"
    } else if name.starts_with('-') {
        "not start with -"
    } else if name.contains(odd) {
        "be the short name of a service, such as wuauserv: no blanks, quotes or slashes"
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(80).collect();
    Err(format!("`service` must {must}, not {shown:?}"))
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
#[cfg(all(test, target_os = "windows"))]
mod windows_tests;

#[cfg(test)]
mod name_tests {
    use super::*;

    #[test]
    fn names_of_real_services_pass() {
        for name in ["wuauserv", "W32Time", "MSSQL$SQLEXPRESS", "WpnUserService_3c8f1", "Net.Tcp.PortSharing"]
        {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_parameters_name() {
        let long = "x".repeat(257);
        for name in ["", "-x", "a/b", "..\\x", "a b", "a\nb", "a\u{7}", "\"a\"", &long] {
            assert!(check_name(name).unwrap_err().contains("`service`"), "{name}");
        }
    }
}
