//! `ProcessKill` where it is not written yet.

use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandResult};
use infiniservice_protocol::ErrorCode;

#[allow(clippy::unused_async)]
pub(in crate::commands::safe) async fn run(_pid: u32, _force: bool, _control: &Control) -> CommandResult {
    Err(CommandError::new(ErrorCode::Unsupported, "ProcessKill is not available on this platform yet"))
}
