//! The safe commands, one file a family, and `HANDLERS`: who carries out each row of the protocol's table of actions.

#[cfg(all(test, target_os = "linux"))]
mod applications_tests;
mod disk_cleanup;
mod join_domain;
#[cfg(target_os = "linux")]
mod linux;
mod listing;
mod package;
mod power;
mod process_kill;
mod process_list;
mod seal;
pub(crate) mod service_logs;
mod update;
mod update_history;
mod users;
#[cfg(target_os = "windows")]
mod windows;

use super::changes::{self, CHANGE_MAX};
use super::context::{CommandContext, PowerAction};
use crate::autochecks::{self, Asked, Known, Machine, UpdateSource};
use crate::packages::Change;
use crate::scripts::Submission;
use infiniservice_exec::{BoxFuture, Cancellation, CommandOutcome, CommandResult};
use infiniservice_protocol::action::{SCRIPT_SECS, ScriptShell};
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
        HANDLERS($context:ident, $cancellation:ident):
        $($name:ident { $($param:ident),* } needs $needs:ident => $call:expr;)+
    ) => {
        /// What `action` needs of the machine.
        pub(super) const fn needs(action: ActionName) -> Needs {
            match action {
                $(ActionName::$name => Needs::$needs,)+
            }
        }

        async fn carry_out(action: Action, $context: &CommandContext, $cancellation: &Cancellation) -> CommandResult {
            match action {
                $(Action::$name { $($param),* } => $call.await,)+
            }
        }
    };
}

// One line an action; `context` and `cancellation` are what each is given.
handlers! {
    HANDLERS(context, cancellation):
    ServiceList { state } needs Services => list_services(state.as_deref(), context, cancellation);
    ServiceControl { service, operation } needs Services => context.services.control(&service, operation, cancellation);
    ServiceLogs { service, lines, priority, since, until } needs Services =>
        service_logs::run(service_logs::Query { service, lines, priority, since, until }, context, cancellation);
    PackageList { limit, filter } needs Packages => package::list(limit, filter.as_deref(), context, cancellation);
    PackageSearch { query, limit } needs Packages => package::search(&query, limit, context, cancellation);
    PackageInstall { package, cascade } needs Packages => package::change(Change::Install, &package, cascade, context, cancellation);
    PackageUpdate { package, cascade } needs Packages => package::change(Change::Update, &package, cascade, context, cancellation);
    PackageRemove { package, cascade } needs Packages => package::change(Change::Remove, &package, cascade, context, cancellation);
    PackageChangeStatus { id } needs Nothing => async { context.changes.status(id.as_deref()) };
    ProcessList { limit, sort_by, filter } needs Nothing =>
        process_list::run(process_list::Query { limit, sort_by, filter }, context, cancellation);
    ProcessKill { pid, force } needs Nothing => process_kill::run(pid, force, cancellation);
    UserList { limit, filter } needs Nothing => users::list(listing::ListQuery { limit, filter }, context, cancellation);
    ScriptRun { execution_id, script, shell, name, run_as, timeout_secs } needs Nothing =>
        context.scripts.submit(script_of(execution_id, script, shell, name, run_as, timeout_secs));
    ScriptStatus { execution_id } needs Nothing => context.scripts.status(execution_id.as_deref());
    ScriptRemove { execution_id } needs Nothing => context.scripts.remove(execution_id);
    UpdateCheck {} needs Packages => update::check(context, cancellation);
    UpdateInstall { security_only, cascade } needs Packages => update::install(security_only, cascade, context, cancellation);
    UpdateHistory { limit } needs Nothing => update_history::run(limit, context, cancellation);
    WindowsUpdateCheck {} needs Nothing => here::windows_only(Action::WindowsUpdateCheck {}, cancellation);
    WindowsUpdateInstall { kb_articles } needs Nothing =>
        async { here::windows_only(Action::WindowsUpdateInstall { kb_articles }, &cancellation.commit(CHANGE_MAX)?).await };
    WindowsDefenderStatus {} needs Nothing => here::windows_only(Action::WindowsDefenderStatus {}, cancellation);
    WindowsDefenderScan { scan_type } needs Nothing => here::windows_only(Action::WindowsDefenderScan { scan_type }, cancellation);
    ApplicationInventory { limit, filter } needs Nothing =>
        here::list_applications(listing::ListQuery { limit, filter }, context, cancellation);
    Autochecks { checks, warning_percent, critical_percent } needs Nothing =>
        check_health(checks.as_deref(), Asked { warning_percent, critical_percent }, context, cancellation);
    DiskCleanup { targets, older_than_days, dry_run } needs Nothing =>
        here::clean_disk(disk_cleanup::Query { targets, older_than_days, dry_run }, context, cancellation);
    PrepareGoldenImage { cleanup_level, sanitize_user_data, shutdown_after } needs Services =>
        seal::run(seal::Query { level: cleanup_level, users: sanitize_user_data, power_off: shutdown_after }, context, cancellation);
    JoinDomain { domain, username, password, ou, computer_name, restart_after } needs Services =>
        join_domain::run(join_domain::Query { domain, username, password, ou, computer_name, restart_after }, context, cancellation);
    ConfigReload {} needs Nothing => async { cancellation.run_until_cancelled(context.reloads.ask()).await? };
    Shutdown {} needs Services => power::end_machine(PowerAction::Shutdown, context, cancellation);
    Reboot {} needs Services => power::end_machine(PowerAction::Reboot, context, cancellation);
}

/// Carries out one action. It ends by itself when `cancellation` says so, with what it has got. A change of packages holds all
/// that it needs, as it goes on when nobody waits for it any more.
pub(super) async fn run(
    id: &str,
    action: Action,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    if !action.name().changes_packages() {
        return carry_out(action, context, cancellation).await;
    }
    let held = (action.clone(), context.clone(), cancellation.clone());
    let work = Box::pin(async move { carry_out(held.0, &held.1, &held.2).await });
    changes::run(id, &action, &context.changes, cancellation, work).await
}

fn script_of(
    execution_id: String,
    script: String,
    shell: Option<ScriptShell>,
    name: Option<String>,
    run_as: Option<String>,
    timeout_secs: Option<u32>,
) -> Submission {
    let shell = shell.map(|shell| shell.word().to_owned());
    let timeout_secs = timeout_secs.unwrap_or(SCRIPT_SECS);
    Submission { execution_id, name, script, shell, run_as, timeout_secs }
}

/// The services in `state`, or all.
async fn list_services(
    state: Option<&str>,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let mut services = cancellation.run_until_cancelled(context.services.list()).await??;
    if let Some(state) = state {
        services.retain(|service| service.status == state);
    }
    CommandOutcome::of(&services)
}

/// Makes the checks named, or all.
async fn check_health(
    names: Option<&[String]>,
    asked: Asked,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let machine = Machine {
        root: PathBuf::from("/"),
        runner: context.runner.clone(),
        services: context.services.clone(),
        updates: Arc::new(PackageManager(context.clone())),
        asked,
        cancellation: cancellation.clone(),
        once: Arc::default(),
    };
    autochecks::run(names, &machine).await
}

/// [`UpdateSource`] over the lists that the machine's package manager has; fetching new ones is for `UpdateCheck`.
struct PackageManager(CommandContext);

impl UpdateSource for PackageManager {
    fn pending<'a>(&'a self, cancellation: &'a Cancellation) -> BoxFuture<'a, Result<Known, String>> {
        Box::pin(async { update::known(&self.0, cancellation).await.map_err(|error| error.error) })
    }
}
