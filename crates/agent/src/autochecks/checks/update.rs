//! `pending_updates` and `security_updates`: what the package manager would install.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding};
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{CheckStatus, PendingUpdate, UpdateCheckData};
use serde_json::json;
use std::sync::Arc;

/// From so many on nobody has been looking after the machine.
const MANY: u32 = 100;
/// From so many security updates on it is a failure.
const MANY_SECURITY: u32 = 10;
/// So many are told; `UpdateCheck` tells all.
const MAX_TOLD: usize = 20;

/// Gathers and assesses.
pub async fn pending(machine: Arc<Machine>) -> Assessed {
    let updates = machine.pending_updates().await?;
    Ok(assess_pending(&updates))
}

/// Gathers and assesses.
pub async fn security(machine: Arc<Machine>) -> Assessed {
    let updates = machine.pending_updates().await?;
    Ok(assess_security(&updates))
}

/// A few updates are every machine's daily life: only many of them want attention.
pub fn assess_pending(updates: &UpdateCheckData) -> Finding {
    let count = updates.pending_count;
    let status = if count >= MANY { CheckStatus::Warning } else { CheckStatus::Passed };
    let details = details(updates, "pending_count", count, |_| true);
    let finding = Finding::new(status, sentence(count, "update")).with_details(details);
    finding.remedy("Install all pending updates.", Some(Action::UpdateInstall { security_only: false }))
}

/// Each security update wants to be installed.
pub fn assess_security(updates: &UpdateCheckData) -> Finding {
    let count = updates.security_count;
    let status = match count {
        0 => CheckStatus::Passed,
        n if n < MANY_SECURITY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    let details = details(updates, "security_count", count, |update| update.is_security_update);
    let finding = Finding::new(status, sentence(count, "security update")).with_details(details);
    finding.remedy("Install the security updates.", Some(Action::UpdateInstall { security_only: true }))
}

fn sentence(count: u32, what: &str) -> String {
    match count {
        0 => format!("No {what} is pending."),
        1 => format!("1 {what} is pending."),
        n => format!("{n} {what}s are pending."),
    }
}

fn details(
    updates: &UpdateCheckData,
    figure: &str,
    count: u32,
    told: impl Fn(&PendingUpdate) -> bool,
) -> serde_json::Value {
    let packages = updates.pending_updates.iter().filter(|update| told(update));
    let packages: Vec<_> = packages.take(MAX_TOLD).map(|update| update.package.as_str()).collect();
    json!({figure: count, "manager": updates.manager, "last_check": updates.last_check, "packages": packages})
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckStatus::{Failed, Passed, Warning};

    fn updates(pending: u32, security: u32) -> UpdateCheckData {
        let update = |n| PendingUpdate {
            package: format!("p{n}"),
            is_security_update: n < security,
            ..PendingUpdate::default()
        };
        UpdateCheckData {
            pending_updates: (0..pending).map(update).collect(),
            pending_count: pending,
            security_count: security,
            manager: "apt".into(),
            ..UpdateCheckData::default()
        }
    }

    #[test]
    fn security_updates_want_attention_each_and_fail_when_they_pile_up() {
        let verdicts = [0, 1, 9, 10].map(|n| assess_security(&updates(50, n)).status);
        assert_eq!(verdicts, [Passed, Warning, Warning, Failed]);
        let finding = assess_security(&updates(50, 2));
        assert_eq!(finding.message, "2 security updates are pending.");
        assert_eq!(finding.details["packages"], json!(["p0", "p1"]));
        let command = finding.remediation.unwrap().command;
        assert_eq!(command, Some(Action::UpdateInstall { security_only: true }));
    }

    #[test]
    fn ordinary_updates_want_attention_only_when_they_are_many() {
        let verdicts = [0, 99, 100].map(|n| assess_pending(&updates(n, 0)).status);
        assert_eq!(verdicts, [Passed, Passed, Warning]);
        let finding = assess_pending(&updates(300, 0));
        assert_eq!(finding.details["packages"].as_array().unwrap().len(), MAX_TOLD);
        assert_eq!(
            finding.remediation.unwrap().command,
            Some(Action::UpdateInstall { security_only: false })
        );
    }
}
