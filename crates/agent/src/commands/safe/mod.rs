//! The safe commands, one file a family. To add one: its file here, an arm in [`run`], and its row in the catalogue.

mod application_inventory;
mod autochecks;
mod disk_cleanup;
mod package;
mod process_kill;
mod process_list;
mod service;
mod update;
mod windows_only;

use super::context::{CommandContext, PowerAction};
use super::control::Control;
use super::outcome::CommandResult;
use crate::autochecks::Asked;
use crate::packages::Change;
use infiniservice_protocol::Action;

/// Carries out one action. It ends by itself when `control` says so, with what it has got.
pub(super) async fn run(action: Action, context: &CommandContext, control: &Control) -> CommandResult {
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
        Action::PackageInstall { package } => {
            package::change(Change::Install, &package, context, control).await
        }
        Action::PackageUpdate { package } => {
            package::change(Change::Update, &package, context, control).await
        }
        Action::PackageRemove { package } => {
            package::change(Change::Remove, &package, context, control).await
        }
        Action::UpdateCheck {} => update::check(context, control).await,
        Action::UpdateInstall { security_only } => update::install(security_only, context, control).await,
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
        | Action::WindowsUpdateInstall { .. }
        | Action::WindowsDefenderStatus {}
        | Action::WindowsDefenderScan { .. }) => windows_only::run(other, control).await,
    }
}
