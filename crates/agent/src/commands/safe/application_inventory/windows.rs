//! Reads the registry's uninstall keys on a thread that may block. Never `Win32_Product`, which reconfigures every package.

use super::Query;
use crate::blocking::{self, Lane};
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use crate::inventory::{select, windows};
use infiniservice_protocol::ErrorCode;

/// All applications of the machine and of the users who are logged on.
pub(in crate::commands::safe) async fn run(
    query: Query,
    _: &CommandContext,
    control: &Control,
) -> CommandResult {
    let found = control.bound(blocking::join(Lane::Walks, "the registry", windows::applications)).await?;
    let found = found.map_err(|fault| CommandError::new(ErrorCode::Internal, fault.to_string()))?;
    CommandOutcome::of(&select(found, query.filter.as_deref(), query.limit))
}
