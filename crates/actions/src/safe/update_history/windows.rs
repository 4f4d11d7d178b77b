//! Windows Update's own history, by the Windows Update Agent.

use super::History;
use crate::context::CommandContext;
use crate::windows_update;
use infiniservice_exec::{Cancellation, CommandError};

pub(super) async fn history(
    _: &CommandContext,
    cancellation: &Cancellation,
) -> Result<History, CommandError> {
    let entries = windows_update::history(cancellation).await?;
    Ok(History { entries, source: "windows_update", incomplete: Vec::new() })
}
