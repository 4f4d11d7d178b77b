//! `pending_updates`, `security_updates` and `reboot_required`: what Windows Update would install by what it
//! knows already, and whether what was installed waits for a restart, by the signs that Windows' own parts
//! leave.

use crate::autochecks::finding::Finding;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{CheckStatus, WindowsUpdateCheckData};
use serde_json::json;

/// From so many on nobody has been looking after the machine.
const MANY: u32 = 20;
/// From so many security updates on it is a failure; one that is critical is one by itself.
const MANY_SECURITY: u32 = 5;
/// So many are told; `WindowsUpdateCheck` tells all.
const MAX_TOLD: usize = 20;

/// A few updates are every machine's daily life.
pub(super) fn assess_pending(data: &WindowsUpdateCheckData) -> Finding {
    let status = if data.pending_count >= MANY { CheckStatus::Warning } else { CheckStatus::Passed };
    finding(data, status, data.pending_count, "update", |_| true)
}

/// Each security update wants to be installed.
pub(super) fn assess_security(data: &WindowsUpdateCheckData) -> Finding {
    let status = match (data.security_count, data.critical_count) {
        (0, _) => CheckStatus::Passed,
        (count, 0) if count < MANY_SECURITY => CheckStatus::Warning,
        _ => CheckStatus::Failed,
    };
    finding(data, status, data.security_count, "security update", |is_security| is_security)
}

fn finding(
    data: &WindowsUpdateCheckData,
    status: CheckStatus,
    count: u32,
    what: &str,
    told: impl Fn(bool) -> bool,
) -> Finding {
    let message = match count {
        0 => format!("No {what} is pending."),
        1 => format!("1 {what} is pending."),
        n => format!("{n} {what}s are pending."),
    };
    let updates = data.pending_updates.iter().filter(|update| told(update.is_security_update));
    let titles: Vec<&str> = updates.map(|update| update.title.as_str()).take(MAX_TOLD).collect();
    let details = json!({
        "pending_count": data.pending_count,
        "security_count": data.security_count,
        "critical_count": data.critical_count,
        "last_check": data.last_check,
        "last_install": data.last_install,
        "updates": titles,
    });
    let install = Action::WindowsUpdateInstall { kb_articles: None };
    Finding::new(status, message).with_details(details).remedy("Install all pending updates.", Some(install))
}

/// The signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// `Component Based Servicing\RebootPending` is there.
    pub servicing: bool,
    /// `WindowsUpdate\Auto Update\RebootRequired` is there, or the update agent says so.
    pub update: bool,
    /// Pairs of `PendingFileRenameOperations`: files to be replaced at boot.
    pub file_renames: usize,
    /// The computer's name differs from the one that it will have.
    pub new_name: bool,
    /// Signs that could not be read, for people.
    pub unread: Vec<&'static str>,
}

/// Files to be replaced alone are every installer's habit: told, but no reason to restart.
pub(super) fn assess_reboot(signs: &Signs) -> Finding {
    let reasons = [
        (signs.servicing, "a component of Windows"),
        (signs.update, "Windows Update"),
        (signs.new_name, "the computer's new name"),
    ];
    let reasons: Vec<&str> = reasons.into_iter().filter(|(is, _)| *is).map(|(_, why)| why).collect();
    let details = json!({
        "component_servicing": signs.servicing,
        "windows_update": signs.update,
        "computer_rename": signs.new_name,
        "pending_file_renames": signs.file_renames,
    });
    let unread = signs.unread.join(", ");
    let unseen = (!unread.is_empty()).then(|| format!("Not all reboot indicators could be read: {unread}."));
    if reasons.is_empty() {
        return Finding::passed("No reboot is needed.").with_details(details).with_unseen(unseen);
    }
    Finding::new(CheckStatus::Warning, format!("The machine needs a reboot: {}.", reasons.join(", ")))
        .with_details(details)
        .with_unseen(unseen)
        .advise("Reboot the machine when it suits its users.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_updates_want_to_be_installed_and_a_critical_one_at_once() {
        let data = |security_count, critical_count| WindowsUpdateCheckData {
            pending_count: security_count,
            security_count,
            critical_count,
            ..WindowsUpdateCheckData::default()
        };
        let verdicts =
            [data(0, 0), data(1, 0), data(1, 1), data(5, 0)].map(|data| assess_security(&data).status);
        assert_eq!(
            verdicts,
            [CheckStatus::Passed, CheckStatus::Warning, CheckStatus::Failed, CheckStatus::Failed]
        );
        assert_eq!(assess_pending(&data(19, 0)).status, CheckStatus::Passed);
        let many = assess_pending(&data(20, 0));
        assert_eq!(many.status, CheckStatus::Warning);
        assert!(matches!(
            many.remediation.unwrap().command,
            Some(Action::WindowsUpdateInstall { kb_articles: None })
        ));
    }

    #[test]
    fn each_sign_asks_for_a_restart_but_files_to_be_replaced_alone_do_not() {
        let status = |signs: Signs| assess_reboot(&signs).status;
        assert_eq!(status(Signs::default()), CheckStatus::Passed);
        assert_eq!(status(Signs { file_renames: 9, ..Signs::default() }), CheckStatus::Passed);
        for signs in [
            Signs { servicing: true, ..Signs::default() },
            Signs { update: true, ..Signs::default() },
            Signs { new_name: true, ..Signs::default() },
        ] {
            assert_eq!(status(signs.clone()), CheckStatus::Warning, "{signs:?}");
        }
        assert!(
            assess_reboot(&Signs { update: true, ..Signs::default() }).message.contains("Windows Update")
        );
    }

    #[test]
    fn signs_that_cannot_be_read_are_named_and_the_check_does_not_pass() {
        let told = assess_reboot(&Signs { unread: vec!["the update agent"], ..Signs::default() }).told();
        assert_eq!(told.status, CheckStatus::Warning);
        assert!(told.message.contains("could be read: the update agent"), "{}", told.message);
    }
}
