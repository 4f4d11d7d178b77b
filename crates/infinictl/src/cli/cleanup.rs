//! `infinictl cleanup`: removes what the guest can make again.

use super::error::CliError;
use super::output::{Columns, Output, number, text};
use super::session::Session;
use crate::text::{sanitize, units};
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{CleanedTarget, DiskCleanupData, LeftFiles};

/// What to remove.
#[allow(clippy::doc_markdown, reason = "these are help texts, and a terminal shows no markdown")]
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Only show what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Clean only this target; may be repeated: temp, logs, package_cache, crash_dumps, thumbnails, trash [default: all]
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<String>,
    /// Remove only what was not used for this many days [default: the target's own age]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=3650))]
    older_than_days: Option<u32>,
}

impl Args {
    /// The action that it asks for.
    pub(super) fn action(self) -> Action {
        Action::DiskCleanup {
            targets: (!self.targets.is_empty()).then_some(self.targets),
            older_than_days: self.older_than_days,
            dry_run: self.dry_run,
        }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    let what = if args.dry_run { "looking for what can be removed" } else { "cleaning up" };
    session.long_command(&args.action(), what, show).await
}

fn show(data: &DiskCleanupData, out: Output) -> String {
    let mut table = Columns::new(out, &["target", "files", "space", "errors"]);
    for target in &data.targets {
        table.row([
            text(&target.name),
            number(target.files_deleted),
            number(units::mb(target.space_cleared_mb)),
            number(target.errors.len()),
        ]);
    }
    let done = if data.dry_run { "would be removed; nothing was removed" } else { "removed" };
    let (files, space) = (data.files_deleted, units::mb(data.space_cleared_mb));
    let mut parts = vec![table.finish()];
    parts.extend(errors(data));
    parts.extend(data.targets.iter().flat_map(left));
    parts.push(format!("{files} files, {space} {done}"));
    parts.join("\n")
}

/// Each error below the table, with its target.
fn errors(data: &DiskCleanupData) -> Vec<String> {
    let of_target = |target: &CleanedTarget| -> Vec<String> {
        let name = sanitize::brief(&target.name);
        target.errors.iter().map(|error| format!("{name}: {}", sanitize::brief(error))).collect()
    };
    data.targets.iter().flat_map(of_target).collect()
}

/// What was left for each reason, with the first of them.
fn left(target: &CleanedTarget) -> Vec<String> {
    let name = sanitize::brief(&target.name);
    let told = |left: &LeftFiles| {
        let (reason, example) = (sanitize::brief(&left.reason), sanitize::brief(&left.example));
        let first = if left.count == 1 { "" } else { "for example " };
        format!("{name}: {} left ({reason}): {first}{example}", left.count)
    };
    target.left.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    #[test]
    fn a_dry_run_says_that_nothing_was_removed() {
        let data =
            DiskCleanupData { files_deleted: 3, space_cleared_mb: 1.5, dry_run: true, ..Default::default() };
        assert!(
            show(&data, Output::default())
                .ends_with("3 files, 1.4 MiB would be removed; nothing was removed")
        );
        let data = DiskCleanupData { dry_run: false, ..data };
        assert!(show(&data, Output::default()).ends_with("3 files, 1.4 MiB removed"));
    }

    #[test]
    fn errors_are_told_with_their_target() {
        let target =
            CleanedTarget { name: "temp".into(), errors: vec!["/tmp/a: busy".into()], ..Default::default() };
        let data = DiskCleanupData { targets: vec![target], ..Default::default() };
        assert!(show(&data, Output::default()).contains("\ntemp: /tmp/a: busy\n"));
    }

    #[test]
    fn hostile_names_and_errors_stay_in_their_lines() {
        let target = CleanedTarget {
            name: EVIL.into(),
            space_cleared_mb: f64::INFINITY,
            errors: vec![EVIL.repeat(40_000)],
            left: vec![LeftFiles { reason: EVIL.into(), count: 7, example: EVIL.repeat(40_000) }],
            ..Default::default()
        };
        let data = DiskCleanupData { targets: vec![target; 2], ..Default::default() };
        let shown = show(&data, Output::default());
        assert_harmless(&shown);
        assert_eq!(shown.lines().count(), 8);
    }
}
