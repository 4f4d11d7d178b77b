//! `ServiceList`, `Shutdown` and `Reboot`.

use crate::context::{CommandContext, PowerAction};
use infiniservice_exec::{CommandOutcome, CommandResult, Control};
use infiniservice_protocol::data::PowerData;

/// The services in `state`, or all.
pub(super) async fn list(state: Option<&str>, context: &CommandContext, control: &Control) -> CommandResult {
    let mut services = control.bound(context.services.list()).await??;
    if let Some(state) = state {
        services.retain(|service| service.status == state);
    }
    CommandOutcome::of(&services)
}

/// Has the machine's own service manager end it. That is queued when this returns: the answer leaves before the machine goes.
pub(super) async fn end_machine(
    action: PowerAction,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    control.bound(context.services.end_machine(action)).await??;
    CommandOutcome::of(&PowerData { action: action.name().to_string(), accepted: true })
}
