//! `infinictl service`: services of the guest.

use super::error::CliError;
use super::output::{Columns, Output, facts, optional, state, text};
use super::service_logs::{self, LogsArgs};
use super::session::{CHANGING, READING, Session};
use clap::{Args, Subcommand};
use infiniservice_protocol::Action;
use infiniservice_protocol::action::ServiceOperation;
use infiniservice_protocol::data::ServiceInfo;

/// What to do with services.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the services and their states
    List(ListArgs),
    /// Show one service
    Status(Named),
    /// Start a service, and wait until it runs
    Start(Named),
    /// Stop a service, and wait until it has ended
    Stop(Named),
    /// Restart a service, or start it if it is stopped
    Restart(Named),
    /// Start a service at boot
    Enable(Named),
    /// No longer start a service at boot
    Disable(Named),
    /// Show the newest lines that a service logged
    Logs(LogsArgs),
}

/// Which services.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Show only services in this state: running, stopped, failed, ...
    #[arg(long)]
    state: Option<String>,
}

/// Which service.
#[derive(Args, Debug)]
pub(super) struct Named {
    /// systemd unit (`.service` may be omitted) or Windows service
    service: String,
}

impl Command {
    /// The action that it asks for; the logs are shown as they come, and are none.
    pub(super) fn action(self) -> Option<Action> {
        use ServiceOperation as Do;
        let (Named { service }, operation) = match self {
            Self::List(args) => return Some(Action::ServiceList { state: args.state }),
            Self::Logs(_) => return None,
            Self::Status(named) => (named, Do::Status),
            Self::Start(named) => (named, Do::Start),
            Self::Stop(named) => (named, Do::Stop),
            Self::Restart(named) => (named, Do::Restart),
            Self::Enable(named) => (named, Do::Enable),
            Self::Disable(named) => (named, Do::Disable),
        };
        Some(Action::ServiceControl { service, operation })
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    use ServiceOperation as Do;
    match command {
        Command::List(args) => list(session, args).await,
        Command::Status(args) => control(session, args, Do::Status, "asking for").await,
        Command::Start(args) => control(session, args, Do::Start, "starting").await,
        Command::Stop(args) => control(session, args, Do::Stop, "stopping").await,
        Command::Restart(args) => control(session, args, Do::Restart, "restarting").await,
        Command::Enable(args) => control(session, args, Do::Enable, "enabling").await,
        Command::Disable(args) => control(session, args, Do::Disable, "disabling").await,
        Command::Logs(args) => service_logs::run(session, args).await,
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), CliError> {
    let action = Action::ServiceList { state: args.state };
    session
        .command(&action, READING, "listing services", |services: &Vec<ServiceInfo>, out| {
            list_table(services, out)
        })
        .await
}

async fn control(
    session: &Session,
    args: Named,
    operation: ServiceOperation,
    doing: &str,
) -> Result<(), CliError> {
    let what = format!("{doing} {}", args.service);
    let action = Action::ServiceControl { service: args.service, operation };
    session.command(&action, CHANGING, &what, |service: &ServiceInfo, _| one(service)).await
}

fn list_table(services: &[ServiceInfo], out: Output) -> String {
    let mut table = Columns::new(out, &["service", "status", "startup", "pid", "description"]);
    for service in services {
        table.row([
            text(&service.name),
            state(&service.status),
            text(&service.startup_type),
            optional(service.pid),
            text(&service.description),
        ]);
    }
    table.finish()
}

fn one(service: &ServiceInfo) -> String {
    let can = [(service.can_start, "start"), (service.can_stop, "stop"), (service.can_restart, "restart")];
    let can: Vec<_> = can.iter().filter(|(may, _)| *may).map(|(_, what)| *what).collect();
    let mut rows = vec![
        ("Service", service.name.clone()),
        ("Description", service.description.clone()),
        ("Status", service.status.clone()),
        ("Startup", service.startup_type.clone()),
        ("Main pid", service.pid.map_or_else(|| "-".into(), |pid| pid.to_string())),
        ("Accepts", can.join(", ")),
    ];
    rows.extend(service.failure.clone().map(|how| ("Failure", how)));
    rows.extend(service.restart_count.map(|times| ("Restarts", times.to_string())));
    if !service.triggered_by.is_empty() {
        rows.push(("Started by", service.triggered_by.join(", ")));
    }
    facts(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, status: &str) -> ServiceInfo {
        ServiceInfo {
            name: name.into(),
            status: status.into(),
            startup_type: "enabled".into(),
            ..ServiceInfo::default()
        }
    }

    #[test]
    fn a_hostile_description_stays_in_its_row() {
        let mut bad = service("x.service", "running");
        bad.description = "a\n\u{1b}[2Jfake.service failed".into();
        let table = list_table(&[bad], Output::default());
        assert!(!table.contains('\u{1b}'));
        assert!(table.contains("a\\n\\u{1b}[2Jfake.service failed"), "{table}");
    }

    #[test]
    fn a_failure_and_what_starts_a_service_again_are_shown_where_there_are_any() {
        assert!(!one(&service("a.service", "running")).contains("Failure"));
        let failing = ServiceInfo {
            failure: Some("its process ended with exit code 3".into()),
            restart_count: Some(4),
            triggered_by: vec!["a.socket".into()],
            ..service("a.service", "failed")
        };
        let shown = one(&failing);
        assert!(["exit code 3", "Restarts", "a.socket"].iter().all(|word| shown.contains(word)), "{shown}");
    }

    #[test]
    fn a_table_without_a_terminal_has_one_line_a_service() {
        let services = [service("a.service", "running"), service("b.service", "failed")];
        let table = list_table(&services, Output::default());
        assert_eq!(table.lines().filter(|line| line.contains(".service")).count(), 2, "{table}");
    }
}
