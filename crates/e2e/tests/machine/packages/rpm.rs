//! What scenarios of dnf and of zypper have in common: one image's repository, and one rpm.

use super::updates::{check, install};
use super::{Desk, changed, expect_change, expect_error};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_protocol::{Action, ErrorCode, Response};
use std::time::Duration;

/// What the image's rpm database has from the start.
pub const OWN: &str = "lab-shell 1.0-1 noarch";
/// Installs what the repository's second state has updates for.
pub const OLD_ONES: &str =
    "rpm -i /srv/lab/rpm/old/lab-plain-1.0.rpm /srv/lab/rpm/old/lab-fixed-1.0.rpm 2>/dev/null";

/// What rpm itself has installed.
pub fn rpm(guest: &Guest) -> Result<String> {
    guest.sh("rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n' | sort")
}

/// A process whose number stands in the manager's lock file keeps the agent out, and is named.
pub fn locked(desk: &Desk<'_>, lock: &str) -> Result<()> {
    let pid = desk.guest.sh(&format!(
        "systemd-run -q --unit lab-hold sleep 100000; pid=$(systemctl show -p MainPID --value lab-hold)\n\
         mkdir -p $(dirname {lock}); printf %s $pid > {lock}; echo $pid",
    ))?;
    let action = Action::PackageInstall { package: "lab-plain".to_owned(), cascade: false };
    let response = desk.ask(&action, Some(Duration::from_secs(30)))?;
    // The file of a dead process is left, as after a crash; the next scenario has to get by with it.
    desk.guest.sh("systemctl stop lab-hold")?;
    expect_error(&response, ErrorCode::Busy, &format!("sleep (pid {pid})"))
}

/// What is answered where the package has no room.
pub fn full(desk: &Desk<'_>) -> Result<Response> {
    desk.guest.sh("mkdir -p /usr/share/lab-big; mount -t tmpfs -o size=64k tmpfs /usr/share/lab-big")?;
    let response = desk.install("lab-big");
    desk.guest.sh("umount /usr/share/lab-big; rmdir /usr/share/lab-big")?;
    let response = response?;
    expect_error(&response, ErrorCode::ExecutionFailed, "a disk is full")?;
    ensure!(changed(&response)? == (None, None, false), "{response:?}");
    Ok(response)
}

/// Security updates are told apart and installed alone, then the others; at the end lab-plain is there in its second version.
pub fn security(desk: &Desk<'_>, manager: &str) -> Result<()> {
    let guest = desk.guest;
    guest.sh(&format!("{OLD_ONES}; ln -sfn new /srv/lab/rpm/current"))?;
    let pending = check(desk)?;
    let told: Vec<_> = pending
        .pending_updates
        .iter()
        .map(|u| (&*u.package, u.version_installed.as_deref(), &*u.version_available, u.is_security_update))
        .collect();
    let want = [("lab-fixed", Some("1.0-1"), "2.0-1", true), ("lab-plain", Some("1.0-1"), "2.0-1", false)];
    ensure!(told == want && pending.security_count == 1, "{pending:?}");
    ensure!(pending.manager == manager && pending.refresh_error.is_none() && !pending.reboot_required);

    let fixed = install(desk, true)?;
    ensure!(fixed.installed.len() == 1 && fixed.failed.is_empty() && fixed.changed, "{fixed:?}");
    ensure!(rpm(guest)?.contains("lab-fixed 2.0-1") && rpm(guest)?.contains("lab-plain 1.0-1"));
    let all = install(desk, false)?;
    ensure!(all.installed.len() == 1 && all.installed[0].package == "lab-plain", "{all:?}");
    ensure!(rpm(guest)?.contains("lab-plain 2.0-1"));

    guest.sh("rpm -e lab-fixed lab-plain; rpm -i /srv/lab/rpm/old/lab-plain-1.0.rpm 2>/dev/null")?;
    let update = Action::PackageUpdate { package: "lab-plain".to_owned(), cascade: false };
    expect_change(&desk.ask(&update, None)?, Some("1.0-1"), Some("2.0-1"), true)?;
    expect_change(&desk.ask(&update, None)?, Some("2.0-1"), Some("2.0-1"), false)
}
