//! `reboot_required`: whether what was installed waits for a restart of the machine, or of programs.
//!
//! That no restart is due is only said where something would have told of one: the distribution's sign or the package manager,
//! *and* the running kernel is among the installed ones, *and* the processes' mappings could be read.

use super::kernels::{self, Kernels};
use super::replaced::{self, Replaced};
use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::{Machine, machine};
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// So many packages are told.
const MAX_TOLD: usize = 20;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The package manager's word; `None` where it could not be asked.
    pub manager_says: Option<bool>,
    /// Whether Debian's or Ubuntu's sign, `/run/reboot-required`, is there.
    pub sign: bool,
    /// Whether a package of this system would set that sign.
    pub sign_is_used: bool,
    /// `/run/reboot-required.pkgs`: who asked for it.
    pub packages: String,
    /// Whether a newer kernel is installed; `None` where it was not looked at.
    pub kernels: Option<Kernels>,
    /// Programs that use replaced files; `None` where it was not looked at.
    pub replaced: Option<Replaced>,
}

/// Gathers and assesses.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    let sign = machine.read_if_there("run/reboot-required").await?.is_some();
    let packages = machine.read_if_there("run/reboot-required.pkgs").await?.unwrap_or_default();
    let sign_is_used = machine.read_if_there("var/lib/dpkg/status").await?.is_some();
    // The sign alone decides: the package manager need not be asked, which may take long.
    let asked = if sign { None } else { Some(machine.pending_updates().await) };
    let manager_says = asked
        .and_then(Result::ok)
        .filter(|known| known.updates.reboot_unknown.is_none())
        .map(|known| known.updates.reboot_required);
    let packages = String::from_utf8_lossy(&packages).into_owned();
    let (kernels, replaced) = (look(&machine, kernels::look).await?, look(&machine, replaced::look).await?);
    assess(&Facts {
        manager_says,
        sign,
        sign_is_used,
        packages,
        kernels: Some(kernels),
        replaced: Some(replaced),
    })
}

async fn look<T: Send + 'static>(machine: &Machine, at: fn(&Path) -> T) -> Result<T, Skip> {
    let root = machine.root.clone();
    machine::run_blocking("kernels and mappings", move || at(&root)).await
}

/// A restart that is due wants attention; when it suits, only people know.
pub(super) fn assess(facts: &Facts) -> Assessed {
    let packages: BTreeSet<&str> =
        facts.packages.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let programs = facts.replaced.iter().flat_map(|replaced| &replaced.programs).take(MAX_TOLD);
    let details = json!({
        "packages": packages.iter().take(MAX_TOLD).collect::<Vec<_>>(),
        "programs_on_replaced_files": programs.collect::<Vec<_>>(),
    });
    if facts.sign || facts.manager_says == Some(true) {
        let message = match packages.len() {
            0 => "The machine needs a reboot.".to_owned(),
            n => format!("The machine needs a reboot, requested by {n} updated package(s)."),
        };
        let finding = Finding::new(CheckStatus::Warning, message).with_details(details);
        return Ok(finding.advise("Reboot the machine when it suits its users."));
    }
    if let Some(due) = due(facts) {
        return Ok(due.with_details(details));
    }
    if let Some(why) = untold(facts) {
        return Err(Skip(format!("nothing on this system indicates whether a reboot is needed: {why}")));
    }
    Ok(Finding::passed("No reboot is needed.").with_details(details))
}

/// What has left no sign, but can be seen.
fn due(facts: &Facts) -> Option<Finding> {
    if let Some(Kernels::Newer { installed, running }) = &facts.kernels {
        let message =
            format!("The machine needs a reboot: kernel {running} is running, and {installed} is installed.");
        let finding = Finding::new(CheckStatus::Warning, message);
        return Some(finding.advise("Reboot the machine when it suits its users."));
    }
    let programs = &facts.replaced.as_ref()?.programs;
    let first = programs.first()?;
    let message = match programs.len() {
        1 => format!("{first} is still running from replaced files."),
        n => format!("{n} programs are still running from replaced files, for example {first}."),
    };
    let finding = Finding::new(CheckStatus::Warning, message);
    Some(
        finding
            .advise("Restart the services of these programs, or reboot the machine when it suits its users."),
    )
}

/// Why it cannot be said that none is due.
fn untold(facts: &Facts) -> Option<&'static str> {
    match (&facts.kernels, &facts.replaced) {
        (Some(Kernels::Untold(why)), _) => Some(why),
        (_, Some(replaced)) if replaced.read == 0 => Some("no process's mappings could be read"),
        (_, Some(replaced)) if replaced.unread > 0 => Some("some processes' mappings could not be read"),
        _ if facts.manager_says.is_none() && !facts.sign_is_used => {
            Some("there is no package manager's flag file")
        }
        _ => None,
    }
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
        assert_eq!(finding.message, "The machine needs a reboot.");
    }

    #[test]
    fn no_sign_means_no_restart_only_where_there_would_be_one() {
        assert!(assess(&Facts::default()).is_err());
        let told = assess(&Facts { manager_says: Some(false), ..Facts::default() });
        assert_eq!(told.unwrap().status, CheckStatus::Passed);
        let debian = assess(&Facts { sign_is_used: true, ..Facts::default() });
        assert_eq!(debian.unwrap().status, CheckStatus::Passed);
    }

    #[test]
    fn what_left_no_sign_is_seen_and_what_cannot_be_seen_is_not_called_none() {
        let newer = Kernels::Newer { installed: "6.2".into(), running: "6.1".into() };
        let calm = Facts {
            sign_is_used: true,
            kernels: Some(Kernels::Newest),
            replaced: Some(Replaced { read: 9, ..Replaced::default() }),
            ..Facts::default()
        };
        assert_eq!(assess(&calm).unwrap().status, CheckStatus::Passed);
        let kernel = assess(&Facts { kernels: Some(newer), ..calm.clone() }).unwrap();
        assert!(
            kernel.status == CheckStatus::Warning && kernel.message.contains("6.2 is installed"),
            "{kernel:?}"
        );
        let programs = BTreeSet::from(["sshd".to_owned()]);
        let replaced = Some(Replaced { programs, read: 9, unread: 0 });
        let old = assess(&Facts { replaced, ..calm.clone() }).unwrap();
        assert!(old.status == CheckStatus::Warning && old.message.contains("sshd"), "{old:?}");
        let foreign = Facts { kernels: Some(Kernels::Untold("another system's")), ..calm.clone() };
        assert_eq!(
            assess(&foreign),
            Err(Skip("nothing on this system indicates whether a reboot is needed: another system's".into()))
        );
        let blind = Facts { replaced: Some(Replaced { read: 9, unread: 1, ..Replaced::default() }), ..calm };
        assert!(assess(&blind).is_err());
    }
}
