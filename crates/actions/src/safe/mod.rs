//! The safe commands, one file a family, and `HANDLERS`: who carries out each row of the protocol's table of actions.

mod application_inventory;
mod autochecks;
mod disk_cleanup;
mod listing;
mod package;
mod process_kill;
mod process_list;
mod service;
pub(crate) mod service_logs;
mod update;
mod windows_only;

use super::changes::{self, CHANGE_MAX};
use super::context::{CommandContext, PowerAction};
use crate::autochecks::Asked;
use crate::packages::Change;
use infiniservice_exec::{CommandResult, Control};
use infiniservice_protocol::{Action, ActionName};

/// What an action needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// Those of systemd, or of Windows.
    Services,
    /// A package manager that the agent knows.
    Packages,
}

macro_rules! handlers {
    (
        HANDLERS($context:ident, $control:ident):
        $($name:ident { $($param:ident),* } needs $needs:ident => $call:expr;)+
    ) => {
        /// What `action` needs of the machine.
        pub(super) const fn needs(action: ActionName) -> Needs {
            match action {
                $(ActionName::$name => Needs::$needs,)+
            }
        }

        async fn carry_out(action: Action, $context: &CommandContext, $control: &Control) -> CommandResult {
            match action {
                $(Action::$name { $($param),* } => $call.await,)+
            }
        }
    };
}

// One line an action; `context` and `control` are what each is given.
handlers! {
    HANDLERS(context, control):
    ServiceList { state } needs Services => service::list(state.as_deref(), context, control);
    ServiceControl { service, operation } needs Services => context.services.control(&service, operation, control);
    ServiceLogs { service, lines, priority, since, until } needs Services =>
        service_logs::run(service_logs::Query { service, lines, priority, since, until }, context, control);
    PackageList { limit, filter } needs Packages => package::list(limit, filter.as_deref(), context, control);
    PackageInstall { package, cascade } needs Packages => package::change(Change::Install, &package, cascade, context, control);
    PackageUpdate { package, cascade } needs Packages => package::change(Change::Update, &package, cascade, context, control);
    PackageRemove { package, cascade } needs Packages => package::change(Change::Remove, &package, cascade, context, control);
    PackageChangeStatus { id } needs Nothing => async { context.changes.status(id.as_deref()) };
    ProcessList { limit, sort_by, filter } needs Nothing =>
        process_list::run(process_list::Query { limit, sort_by, filter }, context, control);
    ProcessKill { pid, force } needs Nothing => process_kill::run(pid, force, control);
    UpdateCheck {} needs Packages => update::check(context, control);
    UpdateInstall { security_only, cascade } needs Packages => update::install(security_only, cascade, context, control);
    WindowsUpdateCheck {} needs Nothing => windows_only::run(Action::WindowsUpdateCheck {}, control);
    WindowsUpdateInstall { kb_articles } needs Nothing =>
        async { windows_only::run(Action::WindowsUpdateInstall { kb_articles }, &control.commit(CHANGE_MAX)?).await };
    WindowsDefenderStatus {} needs Nothing => windows_only::run(Action::WindowsDefenderStatus {}, control);
    WindowsDefenderScan { scan_type } needs Nothing => windows_only::run(Action::WindowsDefenderScan { scan_type }, control);
    ApplicationInventory { limit, filter } needs Nothing =>
        application_inventory::run(application_inventory::Query { limit, filter }, context, control);
    Autochecks { checks, warning_percent, critical_percent } needs Nothing =>
        autochecks::run(checks.as_deref(), Asked { warning_percent, critical_percent }, context, control);
    DiskCleanup { targets, older_than_days, dry_run } needs Nothing =>
        disk_cleanup::run(disk_cleanup::Query { targets, older_than_days, dry_run }, context, control);
    Shutdown {} needs Services => service::end_machine(PowerAction::Shutdown, context, control);
    Reboot {} needs Services => service::end_machine(PowerAction::Reboot, context, control);
}

/// Carries out one action. It ends by itself when `control` says so, with what it has got. A change of packages holds all
/// that it needs, as it goes on when nobody waits for it any more.
pub(super) async fn run(
    id: &str,
    action: Action,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    if !action.name().changes_packages() {
        return carry_out(action, context, control).await;
    }
    let held = (action.clone(), context.clone(), control.clone());
    let work = Box::pin(async move { carry_out(held.0, &held.1, &held.2).await });
    changes::run(id, &action, &context.changes, control, work).await
}
