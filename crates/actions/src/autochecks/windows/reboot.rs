//! `reboot_required`: whether what was installed waits for a restart, by the signs that Windows' own parts leave in the registry.

use crate::autochecks::finding::Finding;
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;

/// The signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
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
pub fn assess(signs: &Signs) -> Finding {
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
    fn each_sign_asks_for_a_restart_but_files_to_be_replaced_alone_do_not() {
        let status = |signs: Signs| assess(&signs).status;
        assert_eq!(status(Signs::default()), CheckStatus::Passed);
        assert_eq!(status(Signs { file_renames: 9, ..Signs::default() }), CheckStatus::Passed);
        for signs in [
            Signs { servicing: true, ..Signs::default() },
            Signs { update: true, ..Signs::default() },
            Signs { new_name: true, ..Signs::default() },
        ] {
            assert_eq!(status(signs.clone()), CheckStatus::Warning, "{signs:?}");
        }
        assert!(assess(&Signs { update: true, ..Signs::default() }).message.contains("Windows Update"));
    }

    #[test]
    fn signs_that_cannot_be_read_are_named_and_the_check_does_not_pass() {
        let told = assess(&Signs { unread: vec!["the update agent"], ..Signs::default() }).told();
        assert_eq!(told.status, CheckStatus::Warning);
        assert!(told.message.contains("could be read: the update agent"), "{}", told.message);
    }
}
