//! `ServiceList`.

use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandOutcome, CommandResult};

/// The services in `state`, or all.
pub(super) async fn list(state: Option<&str>, context: &CommandContext, control: &Control) -> CommandResult {
    let mut services = control.bound(context.services.list()).await??;
    if let Some(state) = state {
        services.retain(|service| service.status == state);
    }
    CommandOutcome::of(&services)
}
