//! The safe commands, one file a family, and `HANDLERS`: who carries out each row of the protocol's table of actions.

mod application_inventory;
mod disk_cleanup;
#[cfg(target_os = "linux")]
mod linux;
mod listing;
mod package;
mod process_kill;
mod process_list;
pub(crate) mod service_logs;
mod update;
#[cfg(target_os = "windows")]
mod windows;

use super::changes::{self, CHANGE_MAX};
use super::context::{CommandContext, PowerAction};
use crate::autochecks::{self, Asked, Known, Machine, UpdateSource};
use crate::packages::Change;
use infiniservice_exec::{BoxFuture, CommandOutcome, CommandResult, Control};
use infiniservice_protocol::data::PowerData;
use infiniservice_protocol::{Action, ActionName};
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(target_os = "linux")]
use linux as here;
#[cfg(target_os = "windows")]
use windows as here;

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
    ServiceList { state } needs Services => list_services(state.as_deref(), context, control);
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
    WindowsUpdateCheck {} needs Nothing => here::windows_only(Action::WindowsUpdateCheck {}, control);
    WindowsUpdateInstall { kb_articles } needs Nothing =>
        async { here::windows_only(Action::WindowsUpdateInstall { kb_articles }, &control.commit(CHANGE_MAX)?).await };
    WindowsDefenderStatus {} needs Nothing => here::windows_only(Action::WindowsDefenderStatus {}, control);
    WindowsDefenderScan { scan_type } needs Nothing => here::windows_only(Action::WindowsDefenderScan { scan_type }, control);
    ApplicationInventory { limit, filter } needs Nothing =>
        here::list_applications(application_inventory::Query { limit, filter }, context, control);
    Autochecks { checks, warning_percent, critical_percent } needs Nothing =>
        check_health(checks.as_deref(), Asked { warning_percent, critical_percent }, context, control);
    DiskCleanup { targets, older_than_days, dry_run } needs Nothing =>
        here::clean_disk(disk_cleanup::Query { targets, older_than_days, dry_run }, context, control);
    Shutdown {} needs Services => end_machine(PowerAction::Shutdown, context, control);
    Reboot {} needs Services => end_machine(PowerAction::Reboot, context, control);
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

/// The services in `state`, or all.
async fn list_services(state: Option<&str>, context: &CommandContext, control: &Control) -> CommandResult {
    let mut services = control.bound(context.services.list()).await??;
    if let Some(state) = state {
        services.retain(|service| service.status == state);
    }
    CommandOutcome::of(&services)
}

/// Has the machine's own service manager end it. That is queued when this returns: the answer leaves before the machine goes.
async fn end_machine(action: PowerAction, context: &CommandContext, control: &Control) -> CommandResult {
    control.bound(context.services.end_machine(action)).await??;
    CommandOutcome::of(&PowerData { action: action.name().to_string(), accepted: true })
}

/// Makes the checks named, or all.
async fn check_health(
    names: Option<&[String]>,
    asked: Asked,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let machine = Machine {
        root: PathBuf::from("/"),
        runner: context.runner.clone(),
        services: context.services.clone(),
        updates: Arc::new(PackageManager(context.clone())),
        asked,
        control: control.clone(),
        once: Arc::default(),
    };
    autochecks::run(names, &machine).await
}

/// [`UpdateSource`] over the lists that the machine's package manager has; fetching new ones is for `UpdateCheck`.
struct PackageManager(CommandContext);

impl UpdateSource for PackageManager {
    fn pending<'a>(&'a self, control: &'a Control) -> BoxFuture<'a, Result<Known, String>> {
        Box::pin(async { update::known(&self.0, control).await.map_err(|error| error.error) })
    }
}
