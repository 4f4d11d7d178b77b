//! `JoinDomain`: makes the machine a member of a domain of Active Directory. The password reaches the system's own tool by its input,
//! or Windows by a call, and stands in no argument, log or answer.

#[cfg(target_os = "linux")]
mod linux;
mod realm;
#[cfg(target_os = "windows")]
mod windows;

use super::power::end_soon;
use crate::context::{CommandContext, PowerAction};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::Password;
use infiniservice_protocol::data::JoinDomainData;
#[cfg(target_os = "linux")]
use linux as here;
#[cfg(target_os = "windows")]
use windows as here;

/// The action's parameters.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) domain: String,
    pub(super) username: String,
    pub(super) password: Password,
    pub(super) ou: Option<String>,
    pub(super) computer_name: Option<String>,
    pub(super) restart_after: bool,
}

/// Joins, and looks whether the machine is a member then.
pub(super) async fn run(
    query: Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    if context.changes.is_running() {
        let why = "packages are being changed; join the domain when that has ended";
        return Err(CommandError::new(ErrorCode::Busy, why));
    }
    let restart = query.restart_after;
    let joined = here::join(query, context, cancellation).await?;
    log::warn!("this machine has joined the domain {:?}: the host asked for it", joined.domain);
    if restart {
        end_soon(context, PowerAction::Reboot);
    }
    CommandOutcome::of(&JoinDomainData { restart_scheduled: restart, ..joined })
}
