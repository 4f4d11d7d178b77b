//! `infinictl update`: pending updates of the guest.

use super::error::CliError;
use super::history;
use super::output::{Columns, Output, state, text};
use super::package::reboot;
use super::session::Session;
use crate::text::{sanitize, units};
use clap::{Args, Subcommand};
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{PendingUpdate, UpdateCheckData, UpdateInstallData};

/// What to do about updates.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check for updates in the guest, and list the pending ones
    Check,
    /// Show what was installed, updated and removed
    History(HistoryArgs),
    /// Install the pending updates
    Install(InstallArgs),
}

/// How much of the past.
#[derive(Args, Debug)]
pub(super) struct HistoryArgs {
    /// Show at most this many, the newest first
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: Option<u32>,
}

/// Which updates.
#[derive(Args, Debug)]
pub(super) struct InstallArgs {
    /// Install only those that the distribution marks as security updates
    #[arg(long)]
    security_only: bool,
    /// Allow the guest to remove or downgrade other packages
    #[arg(long)]
    cascade: bool,
}

impl Command {
    /// The action that it asks for.
    pub(super) const fn action(&self) -> Action {
        match *self {
            Self::Check => Action::UpdateCheck {},
            Self::History(HistoryArgs { limit }) => Action::UpdateHistory { limit },
            Self::Install(InstallArgs { security_only, cascade }) => {
                Action::UpdateInstall { security_only, cascade }
            }
        }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    let action = command.action();
    match command {
        Command::Check => session.long_command(&action, "looking for updates", pending).await,
        Command::History(_) => {
            session.long_command(&action, "reading the update history", history::show).await
        }
        Command::Install(InstallArgs { security_only, .. }) => {
            let what = if security_only { "installing security updates" } else { "installing updates" };
            super::change::run(session, &action, what, installed).await
        }
    }
}

fn pending(data: &UpdateCheckData, out: Output) -> String {
    let mut parts = Vec::new();
    if !data.pending_updates.is_empty() {
        parts.push(table(&data.pending_updates, out));
    }
    parts.push(summary(data));
    if data.unreadable > 0 {
        parts.push(format!("{} updates could not be parsed: there are more than these", data.unreadable));
    }
    if let Some(error) = &data.refresh_error {
        parts.push(format!(
            "The repository metadata could not be fetched; this is based on the old metadata: {}",
            sanitize::brief(error)
        ));
    }
    parts.join("\n") + &reboot(data.reboot_required, data.reboot_unknown.as_deref())
}

fn table(updates: &[PendingUpdate], out: Output) -> String {
    let mut table =
        Columns::new(out, &["package", "installed", "available", "arch", "security", "blocked by", "source"]);
    for update in updates {
        table.row([
            text(&update.package),
            text(update.version_installed.as_deref().unwrap_or("-")),
            text(&update.version_available),
            text(update.architecture.as_deref().unwrap_or("-")),
            state(if update.is_security_update { "security" } else { "-" }),
            text(update.blocked_by.as_deref().unwrap_or("-")),
            text(&update.source),
        ]);
    }
    table.finish()
}

fn summary(data: &UpdateCheckData) -> String {
    let manager = sanitize::brief(&data.manager);
    let when = |at: &str| format!("metadata of {}", sanitize::brief(&units::moment(at)));
    let when = data.last_check.as_deref().map_or_else(|| "age of the metadata unknown".into(), when);
    let security = data.security_count;
    let blocked = match data.blocked_count {
        0 => String::new(),
        n => format!(", {n} blocked"),
    };
    format!(
        "{} pending, {security} of them security updates{blocked} ({manager}, {when})",
        data.pending_count
    )
}

fn installed(data: &UpdateInstallData, out: Output) -> String {
    let mut table = Columns::new(out, &["package", "before", "now", "result"]);
    for update in &data.installed {
        let before = update.version_before.as_deref().unwrap_or("-");
        table.row([text(&update.package), text(before), text(&update.version_after), state("installed")]);
    }
    for failure in &data.failed {
        table.row([text(&failure.package), text("-"), text("-"), state("failed"), text(&failure.error)]);
    }
    for gone in &data.removed {
        let before = gone.version_before.as_deref().unwrap_or("-");
        let why = gone.replaced_by.as_deref().map(|by| format!("replaced by {by}")).unwrap_or_default();
        table.row([text(&gone.package), text(before), text("-"), state("removed"), text(&why)]);
    }
    let (done, failed) = (data.installed.len(), data.failed.len());
    let manager = sanitize::brief(&data.manager);
    let count = match (done, failed) {
        (0, 0) => {
            return format!("nothing to update ({manager})")
                + &reboot(data.reboot_required, data.reboot_unknown.as_deref());
        }
        (_, 0) => format!("{done} updated ({manager})"),
        _ => format!("{done} updated, {failed} failed ({manager})"),
    };
    format!("{}\n{count}{}", table.finish(), reboot(data.reboot_required, data.reboot_unknown.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_protocol::data::{FailedUpdate, PackageStep, UpdatedPackage};

    fn update(package: &str, is_security_update: bool) -> PendingUpdate {
        PendingUpdate {
            package: package.into(),
            version_installed: Some("1".into()),
            version_available: "2".into(),
            source: "stable".into(),
            is_security_update,
            ..Default::default()
        }
    }

    #[test]
    fn security_updates_stand_out_and_are_counted() {
        let data = UpdateCheckData {
            pending_updates: vec![update("openssl", true), update("nano", false)],
            pending_count: 2,
            security_count: 1,
            manager: "apt".into(),
            reboot_required: true,
            ..Default::default()
        };
        let shown = pending(&data, Output::default());
        assert!(
            shown.lines().any(|line| line.starts_with("openssl") && line.contains("security")),
            "{shown}"
        );
        assert!(
            shown.contains("2 pending, 1 of them security updates (apt, age of the metadata unknown)"),
            "{shown}"
        );
        assert!(shown.ends_with("The guest needs a reboot."), "{shown}");
    }

    #[test]
    fn lists_that_could_not_be_fetched_are_told() {
        let data = UpdateCheckData { refresh_error: Some("no route".into()), ..Default::default() };
        assert!(pending(&data, Output::default()).ends_with("based on the old metadata: no route"));
    }

    #[test]
    fn what_was_updated_and_what_failed_are_told_apart() {
        let data = UpdateInstallData {
            installed: vec![UpdatedPackage {
                package: "a".into(),
                version_after: "2".into(),
                ..Default::default()
            }],
            failed: vec![FailedUpdate { package: "b".into(), error: "its script failed".into() }],
            removed: vec![PackageStep {
                package: "c".into(),
                version_before: Some("1".into()),
                replaced_by: Some("a".into()),
                ..Default::default()
            }],
            ..Default::default()
        };
        let shown = installed(&data, Output::default());
        assert!(shown.contains("replaced by a"), "{shown}");
        assert!(shown.contains("its script failed") && shown.contains("1 updated, 1 failed"), "{shown}");
        assert!(installed(&UpdateInstallData::default(), Output::default()).starts_with("nothing to update"));
    }

    #[test]
    fn hostile_updates_stay_in_their_rows() {
        let evil = PendingUpdate {
            package: EVIL.repeat(40_000),
            version_installed: Some(EVIL.into()),
            version_available: EVIL.into(),
            architecture: Some(EVIL.into()),
            source: EVIL.into(),
            is_security_update: true,
            blocked_by: Some(EVIL.into()),
        };
        let data = UpdateCheckData {
            pending_updates: vec![evil],
            manager: EVIL.into(),
            last_check: Some(EVIL.into()),
            refresh_error: Some(EVIL.repeat(40_000)),
            ..Default::default()
        };
        assert_harmless(&pending(&data, Output::default()));
        let evil = || EVIL.to_owned();
        let data = UpdateInstallData {
            installed: vec![UpdatedPackage {
                package: evil(),
                version_before: Some(evil()),
                version_after: evil(),
            }],
            failed: vec![FailedUpdate { package: evil(), error: EVIL.repeat(40_000) }],
            manager: evil(),
            ..Default::default()
        };
        assert_harmless(&installed(&data, Output::default()));
    }
}
