//! Cleans the places of a Windows machine.

use super::{Query, walk};
use crate::cleanup::system_drive;
use crate::context::CommandContext;
use infiniservice_exec::{CommandOutcome, CommandResult, Control};

/// Cleans; what was done until the command had to end is in its error.
pub(in crate::safe) async fn run(query: Query, _: &CommandContext, control: &Control) -> CommandResult {
    let job = walk::job(&query, system_drive())?;
    CommandOutcome::of(&walk::run(&job, control).await?)
}
