//! What of a raw command holds on Linux: its shells, and what a user may be called.

use crate::raw::check::invalid;
use infiniservice_exec::CommandError;
use infiniservice_protocol::ErrorCode;

/// Longest login name (`LOGIN_NAME_MAX`).
const MAX_USER_BYTES: usize = 256;

/// `sh` where none is asked for: it is there on every Linux.
pub(in crate::raw) fn shell(asked: Option<&str>) -> Result<&'static str, CommandError> {
    match asked.unwrap_or("sh") {
        "sh" => Ok("sh"),
        "bash" => Ok("bash"),
        other => {
            let error =
                format!("the shell {other:?} exists on Windows only; `shell` must be bash or sh here");
            Err(CommandError::new(ErrorCode::Unsupported, error))
        }
    }
}

/// A name as it can stand in passwd(5); a sign in front has a meaning of its own in some such files.
pub(in crate::raw) fn check_user(name: &str) -> Result<(), CommandError> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | '/' | ',');
    if name.len() >= MAX_USER_BYTES {
        return Err(invalid(format!(
            "`run_as` must be shorter than {MAX_USER_BYTES} bytes, not {}",
            name.len()
        )));
    }
    if name.starts_with(['-', '+', '#']) || name.contains(odd) {
        return Err(invalid(format!("`run_as` must be a login name such as \"nobody\", not {name:?}")));
    }
    Ok(())
}
