//! `ApplicationInventory` where it is not written yet.

use super::Query;
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandResult};
use infiniservice_protocol::ErrorCode;

#[allow(clippy::unused_async)]
pub(in crate::commands::safe) async fn run(_: Query, _: &CommandContext, _: &Control) -> CommandResult {
    Err(CommandError::new(
        ErrorCode::Unsupported,
        "ApplicationInventory is not available on this platform yet",
    ))
}
