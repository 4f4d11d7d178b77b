//! Reads the registry's uninstall keys on a thread that may block. Never `Win32_Product`, which reconfigures every package.

use super::Query;
use crate::cleanup::StopOnDrop;
use crate::context::CommandContext;
use crate::inventory::{Selection, windows};
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Control};
use infiniservice_platform::blocking::Lane;
use infiniservice_protocol::ErrorCode;
use tokio::sync::Semaphore;

/// One such walk at a time.
static WALK: Semaphore = Semaphore::const_new(1);

/// All applications of the machine and of the users who are logged on.
pub(in crate::safe) async fn run(query: Query, context: &CommandContext, control: &Control) -> CommandResult {
    let turn = control.bound(WALK.acquire()).await?;
    let stop = StopOnDrop::default();
    let flag = stop.flag();
    let reading = infiniservice_platform::blocking::join(Lane::Walks, "the registry", move || {
        windows::applications(&flag)
    });
    let found = control.bound(reading).await?;
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
