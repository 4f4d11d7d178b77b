//! The safe commands, one file a family. To add one: its file here, an arm in [`run`], and its row in the catalogue.

mod application_inventory;
mod autochecks;
mod disk_cleanup;
mod listing;
mod package;
mod process_kill;
mod process_list;
mod service;
mod update;
mod windows_only;

use super::changes::{self, CHANGE_MAX};
use super::context::{CommandContext, PowerAction};
use crate::autochecks::Asked;
use crate::packages::Change;
use infiniservice_exec::{BoxFuture, CommandResult, Control};
use infiniservice_protocol::Action;

/// Carries out one action. It ends by itself when `control` says so, with what it has got.
pub(super) async fn run(
    id: &str,
    action: Action,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    if action.name().changes_packages() {
        let work = change(action.clone(), context.clone(), control.clone());
        return changes::run(id, &action, &context.changes, control, work).await;
    }
    match action {
        Action::ServiceList { state } => service::list(state.as_deref(), context, control).await,
        Action::ServiceControl { service, operation } => {
            context.services.control(&service, operation, control).await
        }
        Action::ProcessList { limit, sort_by, filter } => {
            let query = process_list::Query { limit, sort_by, filter };
            process_list::run(query, context, control).await
        }
        Action::ProcessKill { pid, force } => process_kill::run(pid, force, control).await,
        Action::PackageList { limit, filter } => {
            package::list(limit, filter.as_deref(), context, control).await
        }
        Action::PackageChangeStatus { id } => context.changes.status(id.as_deref()),
        Action::UpdateCheck {} => update::check(context, control).await,
        Action::DiskCleanup { targets, older_than_days, dry_run } => {
            let query = disk_cleanup::Query { targets, older_than_days, dry_run };
            disk_cleanup::run(query, context, control).await
        }
        Action::ApplicationInventory { limit, filter } => {
            application_inventory::run(application_inventory::Query { limit, filter }, context, control).await
        }
        Action::Autochecks { checks, warning_percent, critical_percent } => {
            let asked = Asked { warning_percent, critical_percent };
            autochecks::run(checks.as_deref(), asked, context, control).await
        }
        Action::Shutdown {} => service::end_machine(PowerAction::Shutdown, context, control).await,
        Action::Reboot {} => service::end_machine(PowerAction::Reboot, context, control).await,
        other @ (Action::WindowsUpdateCheck {}
        | Action::WindowsDefenderStatus {}
        | Action::WindowsDefenderScan { .. }) => windows_only::run(other, control).await,
        other => change(other, context.clone(), control.clone()).await,
    }
}

/// Carries out a change of packages. It holds all that it needs, as it goes on when nobody waits for it any more.
fn change(action: Action, context: CommandContext, control: Control) -> BoxFuture<'static, CommandResult> {
    Box::pin(async move {
        let (context, control) = (&context, &control);
        match action {
            Action::PackageInstall { package, cascade } => {
                package::change(Change::Install, &package, cascade, context, control).await
            }
            Action::PackageUpdate { package, cascade } => {
                package::change(Change::Update, &package, cascade, context, control).await
            }
            Action::PackageRemove { package, cascade } => {
                package::change(Change::Remove, &package, cascade, context, control).await
            }
            Action::UpdateInstall { security_only, cascade } => {
                update::install(security_only, cascade, context, control).await
            }
            other => windows_only::run(other, &control.commit(CHANGE_MAX)?).await,
        }
    })
}
