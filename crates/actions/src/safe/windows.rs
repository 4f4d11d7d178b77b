//! Safe commands as Windows carries them out: the clean-up of its places; the uninstall keys of its registry,
//! read on a thread that may block, and never `Win32_Product`, which reconfigures what it lists; the
//! Windows Update Agent and Defender.

use super::{disk_cleanup, listing};
use crate::cleanup::{StopOnDrop, system_drive};
use crate::context::CommandContext;
use crate::inventory::{Selection, windows};
use crate::{defender, windows_update};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_protocol::trace::StepName;
use infiniservice_protocol::{Action, ErrorCode};
use tokio::sync::Semaphore;

/// Carries out one of them.
pub(super) async fn windows_only(action: Action, cancellation: &Cancellation) -> CommandResult {
    match action {
        Action::WindowsUpdateCheck {} => CommandOutcome::of(&windows_update::check(cancellation).await?),
        Action::WindowsUpdateInstall { kb_articles } => {
            CommandOutcome::of(&windows_update::install(kb_articles, cancellation).await?)
        }
        Action::WindowsDefenderStatus {} => CommandOutcome::of(&defender::status(cancellation).await?),
        Action::WindowsDefenderScan { scan_type } => {
            CommandOutcome::of(&defender::scan(scan_type, cancellation).await?)
        }
        other => {
            let error = format!("{} exists on Linux only", other.name());
            Err(CommandError::new(ErrorCode::Unsupported, error))
        }
    }
}

/// Cleans; what was done until the command had to end is in its error.
pub(super) async fn clean_disk(
    query: disk_cleanup::Query,
    _: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let job = disk_cleanup::job(&query, system_drive())?;
    CommandOutcome::of(&disk_cleanup::clean_until_stopped(&job, cancellation).await?)
}

/// One such walk at a time.
static WALK: Semaphore = Semaphore::const_new(1);

/// All applications of the machine and of the users who are logged on.
pub(super) async fn list_applications(
    query: listing::ListQuery,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let lock = cancellation.step(StepName::Lock);
    let turn = cancellation.run_until_cancelled(WALK.acquire()).await?;
    drop(lock);
    let stop = StopOnDrop::default();
    let flag = stop.flag();
    let reading = blocking::join(Lane::Walks, "the registry", move || windows::applications(&flag));
    let found = cancellation.run_until_cancelled(reading).await?;
    drop((turn, stop));
    let (found, incomplete) = found.map_err(|blocked| {
        CommandError::new(ErrorCode::ExecutionFailed, format!("the registry could not be read: {blocked}"))
    })?;
    let mut selection = Selection::new(query.filter.as_deref(), query.limit, context.max_list_bytes);
    for one in found {
        selection.add(one);
    }
    for why in &incomplete {
        selection.incomplete(why);
    }
    CommandOutcome::of(&selection.finish())
}
