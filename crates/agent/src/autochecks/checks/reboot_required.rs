//! `reboot_required`: whether what was installed waits for a restart of the machine.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding, Skip};
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many packages are told.
const MAX_TOLD: usize = 20;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The package manager's word; `None` where it could not be asked.
    pub manager_says: Option<bool>,
    /// Whether Debian's or Ubuntu's sign, `/run/reboot-required`, is there.
    pub sign: bool,
    /// Whether a package of this system would set that sign.
    pub sign_is_used: bool,
    /// `/run/reboot-required.pkgs`: who asked for it.
    pub packages: String,
}

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let sign = machine.read_if_there("run/reboot-required").await?.is_some();
    let packages = machine.read_if_there("run/reboot-required.pkgs").await?.unwrap_or_default();
    let sign_is_used = machine.read_if_there("var/lib/dpkg/status").await?.is_some();
    // The sign alone decides: the package manager need not be asked, which may take long.
    let asked = if sign { None } else { Some(machine.pending_updates().await) };
    let manager_says = asked.and_then(Result::ok).map(|known| known.updates.reboot_required);
    let packages = String::from_utf8_lossy(&packages).into_owned();
    assess(&Facts { manager_says, sign, sign_is_used, packages })
}

/// A restart that is due wants attention; when it suits, only people know.
pub fn assess(facts: &Facts) -> Assessed {
    let packages: BTreeSet<&str> =
        facts.packages.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let details = json!({"packages": packages.iter().take(MAX_TOLD).collect::<Vec<_>>()});
    if facts.sign || facts.manager_says == Some(true) {
        let message = match packages.len() {
            0 => "The machine waits for a restart.".to_owned(),
            n => format!("The machine waits for a restart, asked for by {n} updated package(s)."),
        };
        let finding = Finding::new(CheckStatus::Warning, message).with_details(details);
        return Ok(finding.advise("Restart the machine when it suits its users."));
    }
    if facts.manager_says.is_none() && !facts.sign_is_used {
        return Err(Skip::because("nothing on this system tells whether a restart is due"));
    }
    Ok(Finding::passed("No restart is due.").with_details(details))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_sign_is_enough_and_the_packages_are_named_once() {
        let packages = "linux-image-6.1\nlibc6\nlinux-image-6.1\n".to_owned();
        let finding = assess(&Facts { sign: true, packages, ..Facts::default() }).unwrap();
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(finding.details["packages"], json!(["libc6", "linux-image-6.1"]));
        let finding = assess(&Facts { manager_says: Some(true), ..Facts::default() }).unwrap();
        assert_eq!(finding.message, "The machine waits for a restart.");
    }

    #[test]
    fn no_sign_means_no_restart_only_where_there_would_be_one() {
        assert!(assess(&Facts::default()).is_err());
        let told = assess(&Facts { manager_says: Some(false), ..Facts::default() });
        assert_eq!(told.unwrap().status, CheckStatus::Passed);
        let debian = assess(&Facts { sign_is_used: true, ..Facts::default() });
        assert_eq!(debian.unwrap().status, CheckStatus::Passed);
    }
}
