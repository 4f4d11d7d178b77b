//! The end of the machine's run: at once, as `Shutdown` and `Reboot` ask, or a moment after the answer of what ends with it.

use crate::context::{CommandContext, PowerAction};
use infiniservice_exec::{Cancellation, CommandOutcome, CommandResult};
use infiniservice_protocol::data::PowerData;
use std::sync::Arc;
use std::time::Duration;

/// From the answer to the end: the answer has to leave.
const END_IN: Duration = Duration::from_secs(5);

/// Has the machine's own service manager end it. That is queued when this returns: the answer leaves before the machine goes.
pub(super) async fn end_machine(
    action: PowerAction,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    cancellation.run_until_cancelled(context.services.end_machine(action)).await??;
    CommandOutcome::of(&PowerData { action: action.name().to_string(), accepted: true })
}

/// The same a moment later, whatever becomes of the command; in how many seconds.
pub(super) fn end_soon(context: &CommandContext, action: PowerAction) -> u32 {
    let services = Arc::clone(&context.services);
    tokio::spawn(async move {
        tokio::time::sleep(END_IN).await;
        if let Err(error) = services.end_machine(action).await {
            log::error!("the machine was to end ({}), and cannot: {error}", action.name());
        }
    });
    u32::try_from(END_IN.as_secs()).unwrap_or_default()
}
