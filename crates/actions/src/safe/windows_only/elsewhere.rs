//! Where there is no Windows. The executor lets none of these through: the catalogue says where they exist.

use infiniservice_exec::{CommandError, CommandResult, Control};
use infiniservice_protocol::{Action, ErrorCode};

#[allow(clippy::unused_async)]
pub(in crate::safe) async fn run(action: Action, _: &Control) -> CommandResult {
    Err(CommandError::new(ErrorCode::Unsupported, format!("{} exists on Windows only", action.name())))
}
