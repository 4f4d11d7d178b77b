//! Asks the Windows Update Agent and Defender.

use crate::{defender, windows_update};
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Control};
use infiniservice_protocol::{Action, ErrorCode};

/// Carries out one of them.
pub(in crate::safe) async fn run(action: Action, control: &Control) -> CommandResult {
    match action {
        Action::WindowsUpdateCheck {} => CommandOutcome::of(&windows_update::check(control).await?),
        Action::WindowsUpdateInstall { kb_articles } => {
            CommandOutcome::of(&windows_update::install(kb_articles, control).await?)
        }
        Action::WindowsDefenderStatus {} => CommandOutcome::of(&defender::status(control).await?),
        Action::WindowsDefenderScan { scan_type } => {
            CommandOutcome::of(&defender::scan(scan_type, control).await?)
        }
        other => {
            let error = format!("{} exists on Linux only", other.name());
            Err(CommandError::new(ErrorCode::Unsupported, error))
        }
    }
}
