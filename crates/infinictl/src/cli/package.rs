//! `infinictl package`: packages of the guest.

use super::error::CliError;
use super::output::{Columns, Output, number, text};
use super::session::Session;
use crate::text::{sanitize, units};
use clap::{Args, Subcommand};
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{
    PackageChangeData, PackageChangeState, PackageChangeStatusData, PackageInfo, PackageListData,
    PackageSearchData, PackageStep,
};

/// Other packages told by name; the rest is counted.
const MAX_NAMED: usize = 20;

/// What to do with packages.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the installed packages
    List(ListArgs),
    /// Search the repositories' lists, as they were last fetched
    Search(SearchArgs),
    /// Install a package
    Install(Named),
    /// Update an installed package to its newest version
    Update(Named),
    /// Remove a package; its configuration is kept
    Remove(Named),
    /// Show the results of the last changes, including those still running
    Status(StatusArgs),
}

/// Which changes.
#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// Show only the change that the command with this id requested
    #[arg(long)]
    id: Option<String>,
}

/// Which packages.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Show at most this many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Show only those with this text in their name or description
    #[arg(long)]
    filter: Option<String>,
}

/// What to search for.
#[derive(Args, Debug)]
pub(super) struct SearchArgs {
    /// Words that must all be in the name or description
    #[arg(required = true)]
    words: Vec<String>,
    /// Show at most this many, the best matches first
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Which package.
#[derive(Args, Debug)]
pub(super) struct Named {
    /// Name for the guest's package manager: name, name:arch, name=version
    package: String,
    /// Allow the guest to remove or downgrade other packages
    #[arg(long)]
    cascade: bool,
}

impl Command {
    /// The action that it asks for.
    pub(super) fn action(self) -> Action {
        match self {
            Self::List(ListArgs { limit, filter }) => Action::PackageList { limit, filter },
            Self::Search(SearchArgs { words, limit }) => {
                Action::PackageSearch { query: words.join(" "), limit }
            }
            Self::Install(Named { package, cascade }) => Action::PackageInstall { package, cascade },
            Self::Update(Named { package, cascade }) => Action::PackageUpdate { package, cascade },
            Self::Remove(Named { package, cascade }) => Action::PackageRemove { package, cascade },
            Self::Status(StatusArgs { id }) => Action::PackageChangeStatus { id },
        }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    let what = match &command {
        Command::List(_) => {
            return session.long_command(&command.action(), "listing packages", list_text).await;
        }
        Command::Search(_) => {
            return session.long_command(&command.action(), "searching packages", found_text).await;
        }
        Command::Status(_) => {
            let what = "asking for package changes";
            return session.long_command(&command.action(), what, status_text).await;
        }
        Command::Install(named) => format!("installing {}", named.package),
        Command::Update(named) => format!("updating {}", named.package),
        Command::Remove(named) => format!("removing {}", named.package),
    };
    change(session, &command.action(), &what).await
}

async fn change(session: &Session, action: &Action, what: &str) -> Result<(), CliError> {
    super::change::run(session, action, what, |data: &PackageChangeData, _| changed(data)).await
}

fn list_text(data: &PackageListData, out: Output) -> String {
    let mut table = Columns::new(out, &["package", "version", "arch", "size", "source", "description"]);
    for package in &data.packages {
        table.row([
            text(&package.name),
            text(&with_state(package)),
            text(package.architecture.as_deref().unwrap_or("-")),
            number(package.size_kb.map_or_else(|| "-".into(), units::kib)),
            text(&package.source),
            text(&package.description),
        ]);
    }
    let shown = data.packages.len();
    let manager = sanitize::brief(&data.manager);
    let unread = match data.unreadable {
        0 => String::new(),
        n => format!("\n{n} lines of {manager} could not be parsed; the list lacks their packages"),
    };
    let lacks = data.incomplete.iter().map(|why| format!("\nincomplete: {}", sanitize::brief(why)));
    let lacks = lacks.collect::<String>();
    format!("{}\n{shown} of {} packages ({manager}){unread}{lacks}", table.finish(), data.count)
}

fn found_text(data: &PackageSearchData, out: Output) -> String {
    let mut table = Columns::new(out, &["package", "version", "installed", "arch", "source", "description"]);
    for package in &data.packages {
        table.row([
            text(&package.name),
            text(&package.version),
            text(package.version_installed.as_deref().unwrap_or("-")),
            text(package.architecture.as_deref().unwrap_or("-")),
            text(&package.source),
            text(&package.description),
        ]);
    }
    let (shown, manager) = (data.packages.len(), sanitize::brief(&data.manager));
    let lacks = data.incomplete.iter().map(|why| format!("\nincomplete: {}", sanitize::brief(why)));
    let lacks = lacks.collect::<String>();
    format!("{}\n{shown} of {} packages found ({manager}){lacks}", table.finish(), data.count)
}

/// The version, and the state where it is not set up.
fn with_state(package: &PackageInfo) -> String {
    package
        .state
        .as_ref()
        .map_or_else(|| package.version.clone(), |state| format!("{} ({state})", package.version))
}

fn status_text(data: &PackageChangeStatusData, out: Output) -> String {
    if data.changes.is_empty() {
        return "no package changes since the agent started".to_owned();
    }
    let mut table =
        Columns::new(out, &["command", "action", "package", "state", "started", "seconds", "error"]);
    for change in &data.changes {
        let state = match change.state {
            PackageChangeState::Running => "running",
            PackageChangeState::Succeeded => "succeeded",
            PackageChangeState::Failed => "failed",
        };
        table.row([
            text(&change.id),
            text(&change.command_type),
            text(change.package.as_deref().unwrap_or("-")),
            text(state),
            text(&change.started_at),
            number(change.seconds.to_string()),
            text(change.error.as_deref().unwrap_or("-")),
        ]);
    }
    table.finish()
}

/// What has become of the package, and what the guest asks for now.
fn changed(data: &PackageChangeData) -> String {
    let package = sanitize::brief(&data.package);
    let [before, after] =
        [&data.version_before, &data.version_after].map(|v| v.as_deref().map(sanitize::brief));
    let what = match (data.changed, before, after) {
        (true, None, Some(after)) => format!("{package} {after} is now installed"),
        (true, Some(before), None) => format!("{package} {before} was removed"),
        (true, Some(before), Some(after)) if before != after => {
            format!("{package} changed from {before} to {after}")
        }
        (true, ..) => format!("{package} was changed"),
        (false, _, Some(after)) => format!("{package} {after} is already installed; nothing to do"),
        (false, _, None) => format!("{package} is not installed; nothing to do"),
    };
    let state = data.state.as_deref().map(|state| format!(", but {}", sanitize::brief(state)));
    what + &state.unwrap_or_default()
        + &others(data)
        + &reboot(data.reboot_required, data.reboot_unknown.as_deref())
}

/// What has become of the other packages.
fn others(data: &PackageChangeData) -> String {
    let kinds = [
        ("removed", &data.removed),
        ("installed", &data.installed),
        ("upgraded", &data.upgraded),
        ("downgraded", &data.downgraded),
    ];
    let line = |(kind, steps): (&str, &Vec<PackageStep>)| {
        let others: Vec<_> = steps.iter().filter(|step| step.package != data.package).collect();
        let names = others.iter().take(MAX_NAMED).map(|step| sanitize::brief(&step.package));
        let more = others.len().saturating_sub(MAX_NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (!others.is_empty()).then(|| format!("\nalso {kind}: {}{more}", names.collect::<Vec<_>>().join(", ")))
    };
    kinds.into_iter().filter_map(line).collect()
}

/// A line that asks for a reboot, where one is wanted.
pub(super) fn reboot(required: bool, unknown: Option<&str>) -> String {
    match unknown {
        _ if required => "\nThe guest needs a reboot.".to_owned(),
        Some(why) => format!("\nThe guest does not know whether it needs a reboot: {}.", sanitize::line(why)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    fn change(before: Option<&str>, after: Option<&str>, any: bool) -> String {
        let version = |text: &str| text.to_owned();
        changed(&PackageChangeData {
            package: "nginx".into(),
            version_before: before.map(version),
            version_after: after.map(version),
            changed: any,
            ..Default::default()
        })
    }

    #[test]
    fn a_change_is_told_as_what_it_was() {
        assert_eq!(change(None, Some("2"), true), "nginx 2 is now installed");
        assert_eq!(change(Some("1"), Some("2"), true), "nginx changed from 1 to 2");
        assert_eq!(change(Some("1"), None, true), "nginx 1 was removed");
        assert_eq!(change(Some("1"), Some("1"), true), "nginx was changed");
        assert_eq!(change(Some("1"), Some("1"), false), "nginx 1 is already installed; nothing to do");
        assert_eq!(change(None, None, false), "nginx is not installed; nothing to do");
    }

    #[test]
    fn other_packages_are_named_by_what_became_of_them() {
        let step = |package: &str| PackageStep { package: package.into(), ..Default::default() };
        let data = PackageChangeData {
            package: "nginx".into(),
            version_before: Some("1".into()),
            changed: true,
            removed: vec![step("nginx"), step("site")],
            ..Default::default()
        };
        assert_eq!(changed(&data), "nginx 1 was removed\nalso removed: site");
    }

    #[test]
    fn a_reboot_that_is_asked_for_is_changed() {
        let data = PackageChangeData { reboot_required: true, ..Default::default() };
        assert!(changed(&data).ends_with("The guest needs a reboot."));
    }

    #[test]
    fn hostile_packages_stay_in_their_rows() {
        let evil = PackageInfo {
            name: EVIL.into(),
            version: EVIL.into(),
            architecture: Some(EVIL.into()),
            description: EVIL.repeat(40_000),
            source: EVIL.into(),
            ..Default::default()
        };
        let data = PackageListData {
            packages: vec![evil; 2],
            manager: EVIL.into(),
            count: 2,
            incomplete: vec![EVIL.into()],
            ..Default::default()
        };
        let shown = list_text(&data, Output::default());
        assert_harmless(&shown);
        assert_eq!(shown.lines().count(), 5, "a heading, two packages, the count and what is missing");
        let evil = || Some(EVIL.to_owned());
        assert_harmless(&changed(&PackageChangeData {
            package: EVIL.into(),
            manager: EVIL.into(),
            version_before: evil(),
            version_after: evil(),
            changed: true,
            state: evil(),
            removed: vec![PackageStep { package: EVIL.repeat(40_000), ..Default::default() }; 2],
            ..Default::default()
        }));
    }
}
