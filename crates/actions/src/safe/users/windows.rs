//! Asks Windows' account database for the accounts of this machine.

use super::Found;
use infiniservice_exec::{Cancellation, CommandError};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::sanitize::description;
use infiniservice_platform::win32::codes;
use infiniservice_platform::win32::users_unsafe::{self, User};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::UserInfo;

/// The enabled ones, by name.
pub(super) async fn find(cancellation: &Cancellation) -> Result<Found, CommandError> {
    let failed = |blocked: Blocked| CommandError::new(ErrorCode::ExecutionFailed, blocked.to_string());
    let asked = blocking::start(Lane::Managers, "the accounts", users_unsafe::users).map_err(failed)?;
    let found = cancellation.run_until_cancelled(asked).await?.map_err(failed)?;
    let found = found.map_err(|code| {
        let error = format!("the accounts could not be read: {}", codes::explain(code));
        CommandError::new(ErrorCode::ExecutionFailed, error)
    })?;
    let mut users: Vec<_> = found.into_iter().filter(|user| user.is_enabled).map(told).collect();
    users.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Found { users, incomplete: Vec::new() })
}

fn told(user: User) -> UserInfo {
    UserInfo {
        name: user.name,
        uid: None,
        sid: user.sid.map(|sid| sid.to_string()),
        full_name: description(&user.full_name),
        is_admin: user.is_administrator,
        is_active: Some(!user.is_locked_out),
    }
}
