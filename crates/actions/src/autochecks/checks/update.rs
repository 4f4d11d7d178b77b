//! `pending_updates` and `security_updates`: what the package manager would install.

use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::{Known, Machine};
use crate::packages;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{CheckStatus, PendingUpdate, UpdateCheckData};
use serde_json::json;
use std::sync::Arc;
use std::time::SystemTime;

/// From so many on nobody has been looking after the machine.
const MANY: u32 = 100;
/// From so many security updates on it is a failure.
const MANY_SECURITY: u32 = 10;
/// So many are told; `UpdateCheck` tells all.
const MAX_TOLD: usize = 20;
/// Lists of packages of this age no longer tell what is missing: Debian's own for security expire after a week.
const OLD_DAYS: u64 = 7;
/// Without lists nothing is pending, and nothing is known.
const NO_LISTS: &str = "There is no repository metadata: it was never fetched, or no repository is \
    configured. Updates are unknown.";

/// Gathers and assesses.
pub(super) async fn pending(machine: Arc<Machine>) -> Assessed {
    let known = machine.pending_updates().await?;
    Ok(assess_pending(&known, SystemTime::now()))
}

/// Gathers and assesses.
pub(super) async fn security(machine: Arc<Machine>) -> Assessed {
    let known = machine.pending_updates().await?;
    assess_security(&known, SystemTime::now())
}

/// A few updates are every machine's daily life: only many of them want attention, and lists too old to tell.
pub(super) fn assess_pending(known: &Known, now: SystemTime) -> Finding {
    let (count, lists) = (known.updates.pending_count, Lists::of(known, now));
    let wanting = known.updates.unreadable > 0 || count >= MANY || lists.are_old() || lists.are_absent();
    let status = if wanting { CheckStatus::Warning } else { CheckStatus::Passed };
    let details = details(known, &lists, "pending_count", count, |_| true);
    let message =
        if lists.are_absent() { NO_LISTS.into() } else { lists.after(told(known, count, "update")) };
    let finding = Finding::new(status, message).with_details(details);
    if count < MANY {
        return finding.remedy("Fetch new repository metadata.", Some(Action::UpdateCheck {}));
    }
    finding.remedy(
        "Install all pending updates.",
        Some(Action::UpdateInstall { security_only: false, cascade: false }),
    )
}

/// Each security update wants to be installed. Old lists are the other check's warning, and told here too.
pub(super) fn assess_security(known: &Known, now: SystemTime) -> Assessed {
    let (count, lists) = (known.updates.security_count, Lists::of(known, now));
    if lists.are_absent() {
        return Err(Skip::because(NO_LISTS));
    }
    let status = match count {
        0 if known.updates.unreadable > 0 => CheckStatus::Warning,
        0 => CheckStatus::Passed,
        n if n < MANY_SECURITY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    let details = details(known, &lists, "security_count", count, |update| update.is_security_update);
    let finding =
        Finding::new(status, lists.after(told(known, count, "security update"))).with_details(details);
    Ok(finding.remedy(
        "Install the security updates.",
        Some(Action::UpdateInstall { security_only: true, cascade: false }),
    ))
}

/// The sentence, with what could not be read and what cannot be installed.
fn told(known: &Known, count: u32, what: &str) -> String {
    let UpdateCheckData { unreadable, blocked_count, .. } = known.updates;
    let mut told = match unreadable {
        0 => sentence(count, what),
        n => format!("{n} announced updates could not be parsed; {count} other {what}s are pending."),
    };
    if blocked_count > 0 && count > 0 {
        told = format!("{told} {blocked_count} of all updates are blocked; UpdateCheck says why.");
    }
    told
}

fn sentence(count: u32, what: &str) -> String {
    match count {
        0 => format!("No {what} is pending."),
        1 => format!("1 {what} is pending."),
        n => format!("{n} {what}s are pending."),
    }
}

/// Whether there are lists, and how old they are in days, where that is known.
struct Lists {
    absent: bool,
    days: Option<u64>,
}

impl Lists {
    fn of(known: &Known, now: SystemTime) -> Self {
        // A time in the future is a clock's fault, and another check's.
        let age = known.lists.fetched().map(|at| now.duration_since(at).unwrap_or_default());
        let absent = known.lists == packages::RepoMetadata::Absent;
        Self { absent, days: age.map(|age| age.as_secs() / 86_400) }
    }

    fn are_absent(&self) -> bool {
        self.absent
    }

    fn are_old(&self) -> bool {
        self.days.is_some_and(|days| days >= OLD_DAYS)
    }

    fn after(&self, sentence: String) -> String {
        match self.days {
            Some(days) if self.are_old() => {
                format!("{sentence} The repository metadata is {days} days old, so there may be more.")
            }
            _ => sentence,
        }
    }
}

fn details(
    known: &Known,
    lists: &Lists,
    figure: &str,
    count: u32,
    told: impl Fn(&PendingUpdate) -> bool,
) -> serde_json::Value {
    let updates = &known.updates;
    let packages = updates.pending_updates.iter().filter(|update| told(update));
    let packages: Vec<_> = packages.take(MAX_TOLD).map(|update| update.package.as_str()).collect();
    json!({
        figure: count,
        "manager": updates.manager,
        "last_check": updates.last_check,
        "lists_age_days": lists.days,
        "packages": packages,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckStatus::{Failed, Passed, Warning};
    use std::time::Duration;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn known(pending: u32, security: u32) -> Known {
        let update = |n| PendingUpdate {
            package: format!("p{n}"),
            is_security_update: n < security,
            ..PendingUpdate::default()
        };
        let updates = UpdateCheckData {
            pending_updates: (0..pending).map(update).collect(),
            pending_count: pending,
            security_count: security,
            manager: "apt".into(),
            ..UpdateCheckData::default()
        };
        Known { updates, lists: packages::RepoMetadata::Fetched(NOW) }
    }

    fn command(finding: Finding) -> Option<Action> {
        finding.remediation?.command
    }

    #[test]
    fn security_updates_want_attention_each_and_fail_when_they_pile_up() {
        let verdicts = [0, 1, 9, 10].map(|n| assess_security(&known(50, n), NOW).unwrap().status);
        assert_eq!(verdicts, [Passed, Warning, Warning, Failed]);
        let finding = assess_security(&known(50, 2), NOW).unwrap();
        assert_eq!(finding.message, "2 security updates are pending.");
        assert_eq!(finding.details["packages"], json!(["p0", "p1"]));
        assert_eq!(command(finding), Some(Action::UpdateInstall { security_only: true, cascade: false }));
    }

    #[test]
    fn ordinary_updates_want_attention_only_when_they_are_many() {
        let verdicts = [0, 99, 100].map(|n| assess_pending(&known(n, 0), NOW).status);
        assert_eq!(verdicts, [Passed, Passed, Warning]);
        let finding = assess_pending(&known(300, 0), NOW);
        assert_eq!(finding.details["packages"].as_array().unwrap().len(), MAX_TOLD);
        assert_eq!(command(finding), Some(Action::UpdateInstall { security_only: false, cascade: false }));
    }

    #[test]
    fn lists_of_a_week_ago_are_not_trusted_and_their_age_is_told() {
        let after = |days: u64| NOW + Duration::from_secs(days * 86_400);
        let verdicts = [0, 6, 7, 400].map(|days| assess_pending(&known(0, 0), after(days)).status);
        assert_eq!(verdicts, [Passed, Passed, Warning, Warning]);
        let finding = assess_pending(&known(0, 0), after(12));
        let message = "No update is pending. The repository metadata is 12 days old, so there may be more.";
        assert_eq!((finding.message.as_str(), &finding.details["lists_age_days"]), (message, &json!(12)));
        assert_eq!(command(finding), Some(Action::UpdateCheck {}));
        let security = assess_security(&known(0, 0), after(12)).unwrap();
        assert!(security.status == Passed && security.message.ends_with("there may be more."));
        let fetched_later = Known { lists: packages::RepoMetadata::Fetched(after(9)), ..known(0, 0) };
        assert_eq!(assess_pending(&fetched_later, NOW).status, Passed);
        let untold = Known { lists: packages::RepoMetadata::Unknown, ..known(0, 0) };
        assert_eq!(assess_pending(&untold, NOW).status, Passed);
    }

    #[test]
    fn updates_that_could_not_be_read_are_not_called_none() {
        let mut odd = known(0, 0);
        odd.updates.unreadable = 2;
        let finding = assess_pending(&odd, NOW);
        assert!(finding.status == Warning && finding.message.starts_with("2 announced"), "{finding:?}");
        assert_eq!(assess_security(&odd, NOW).unwrap().status, Warning);
    }

    #[test]
    fn without_lists_nothing_is_called_up_to_date() {
        let none = Known { lists: packages::RepoMetadata::Absent, ..known(0, 0) };
        let finding = assess_pending(&none, NOW);
        assert!(finding.status == Warning && finding.message.contains("never fetched"), "{finding:?}");
        assert_eq!(command(finding), Some(Action::UpdateCheck {}));
        assert_eq!(assess_security(&none, NOW), Err(Skip::because(NO_LISTS)));
    }
}
