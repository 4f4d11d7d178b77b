//! Checks and installations of updates, and mirrors that cannot be reached.

use super::{Desk, RENEW_THE_REPOSITORIES, expect_change, expect_error};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::{UpdateCheckData, UpdateInstallData};
use infiniservice_protocol::{Action, ErrorCode};

pub const SCENARIOS: &[Scenario] = &[
    (
        "packages::updates_a_mirror_that_cannot_be_reached_is_told_and_the_old_lists_are_used",
        unreachable_mirror,
    ),
    ("packages::updates_security_ones_are_told_apart_and_installed_alone", security),
    ("packages::updates_keep_the_configuration_that_the_owner_wrote", configuration),
];

pub(super) fn check(desk: &Desk<'_>) -> Result<UpdateCheckData> {
    let response = desk.ask(&Action::UpdateCheck {}, None)?;
    ensure!(response.success, "{response:?}");
    Ok(serde_json::from_value(response.data)?)
}

pub(super) fn install(desk: &Desk<'_>, security_only: bool) -> Result<UpdateInstallData> {
    let response = desk.ask(&Action::UpdateInstall { security_only, cascade: false }, None)?;
    ensure!(response.success, "{response:?}");
    Ok(serde_json::from_value(response.data)?)
}

fn unreachable_mirror(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    guest.sh(
        "echo 'deb [trusted=yes] http://127.0.0.1:9/debian stable main' > /etc/apt/sources.list.d/dead.list",
    )?;
    let response = desk.ask(&Action::UpdateCheck {}, None)?;
    let unknown = desk.install("lab-nosuch")?;
    guest.sh("rm /etc/apt/sources.list.d/dead.list")?;
    ensure!(response.success && response.stderr.contains("127.0.0.1:9"), "{response:?}");
    let data: UpdateCheckData = serde_json::from_value(response.data)?;
    ensure!(data.refresh_error.as_deref().is_some_and(|e| e.contains("cannot be reached")), "{data:?}");
    expect_error(
        &unknown,
        ErrorCode::NotFound,
        "repository metadata could not be refreshed: a repository cannot be reached",
    )?;
    desk.close();
    Ok(())
}

fn security(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    expect_change(&desk.install("lab-plain")?, None, Some("1.0"), true)?;
    expect_change(&desk.install("lab-fixed")?, None, Some("1.0"), true)?;
    let none = check(&desk)?;
    ensure!(none.pending_count == 0 && none.refresh_error.is_none() && !none.reboot_required, "{none:?}");
    guest.sh(&format!("{RENEW_THE_REPOSITORIES}; touch /run/reboot-required"))?;
    let pending = check(&desk)?;
    guest.sh("rm /run/reboot-required")?;
    ensure!(
        pending.pending_count == 2 && pending.security_count == 1 && pending.reboot_required,
        "{pending:?}"
    );
    let first = &pending.pending_updates[0];
    ensure!(first.package == "lab-fixed" && first.version_installed.as_deref() == Some("1.0"), "{first:?}");
    ensure!(first.version_available == "2.0" && first.is_security_update, "{first:?}");

    let installed = install(&desk, true)?;
    ensure!(
        installed.installed.len() == 1 && installed.failed.is_empty() && installed.changed,
        "{installed:?}"
    );
    ensure!(desk.dpkg("lab-fixed")? == "installed 2.0" && desk.dpkg("lab-plain")? == "installed 1.0");
    let update = Action::PackageUpdate { package: "lab-plain".to_owned(), cascade: false };
    expect_change(&desk.ask(&update, None)?, Some("1.0"), Some("2.0"), true)?;
    expect_change(&desk.ask(&update, None)?, Some("2.0"), Some("2.0"), false)?;
    let nothing = install(&desk, false)?;
    ensure!(!nothing.changed && nothing.installed.is_empty(), "{nothing:?}");
    expect_change(&desk.install("lab-plain=1.0")?, Some("2.0"), Some("1.0"), true)?;
    let all = install(&desk, false)?;
    ensure!(all.installed.iter().any(|u| u.package == "lab-plain" && u.version_after == "2.0"), "{all:?}");
    for package in ["lab-plain", "lab-fixed"] {
        expect_change(&desk.remove(package)?, Some("2.0"), None, true)?;
    }
    desk.close();
    Ok(())
}

fn configuration(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    guest.sh(RENEW_THE_REPOSITORIES)?;
    expect_change(&desk.install("lab-conf=1.0")?, None, Some("1.0"), true)?;
    guest.sh("echo setting=mine > /etc/lab.conf")?;
    let update = Action::PackageUpdate { package: "lab-conf".to_owned(), cascade: false };
    let updated = desk.ask(&update, None)?;
    let found = guest.sh("cat /etc/lab.conf /etc/lab.conf.dpkg-dist")?;
    let removed = desk.remove("lab-conf")?;
    let kept = guest.sh("cat /etc/lab.conf; dpkg --purge lab-conf > /dev/null; rm -f /etc/lab.conf*")?;
    expect_change(&updated, Some("1.0"), Some("2.0"), true)?;
    ensure!(found == "setting=mine\nsetting=two", "{found}");
    expect_change(&removed, Some("2.0"), None, true)?;
    ensure!(kept == "setting=mine", "{kept}");
    desk.close();
    Ok(())
}
