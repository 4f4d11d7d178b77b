//! dnf's checks and installations of updates, and mirrors that cannot be reached.

use super::super::updates::{check, install};
use super::super::{expect_change, expect_error};
use super::{open, rpm};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, ErrorCode};

pub const SCENARIOS: &[Scenario] = &[
    ("packages::dnf_updates_security_ones_are_told_apart_and_installed_alone", security),
    ("packages::dnf_updates_a_mirror_that_cannot_be_reached_is_told", unreachable_mirror),
];

const OLD_ONES: &str = "rpm -i /srv/lab/rpm/old/lab-plain-1.0.rpm /srv/lab/rpm/old/lab-fixed-1.0.rpm";

fn security(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    guest.sh(&format!("{OLD_ONES}; ln -sfn new /srv/lab/rpm/current"))?;
    let pending = check(&desk)?;
    let told: Vec<_> = pending
        .pending_updates
        .iter()
        .map(|u| (&*u.package, u.version_installed.as_deref(), &*u.version_available, u.is_security_update))
        .collect();
    let want = [("lab-fixed", Some("1.0-1"), "2.0-1", true), ("lab-plain", Some("1.0-1"), "2.0-1", false)];
    ensure!(told == want && pending.security_count == 1, "{pending:?}");
    ensure!(pending.manager == "dnf" && pending.refresh_error.is_none() && !pending.reboot_required);

    let fixed = install(&desk, true)?;
    ensure!(fixed.installed.len() == 1 && fixed.failed.is_empty() && fixed.changed, "{fixed:?}");
    ensure!(rpm(guest)?.contains("lab-fixed 2.0-1") && rpm(guest)?.contains("lab-plain 1.0-1"));
    let all = install(&desk, false)?;
    ensure!(all.installed.len() == 1 && all.installed[0].package == "lab-plain", "{all:?}");
    ensure!(rpm(guest)?.contains("lab-plain 2.0-1"));

    guest.sh("rpm -e lab-fixed lab-plain; rpm -i /srv/lab/rpm/old/lab-plain-1.0.rpm")?;
    let update = Action::PackageUpdate { package: "lab-plain".to_owned(), cascade: false };
    expect_change(&desk.ask(&update, None)?, Some("1.0-1"), Some("2.0-1"), true)?;
    expect_change(&desk.ask(&update, None)?, Some("2.0-1"), Some("2.0-1"), false)?;
    guest.sh("rpm -e lab-plain")?;
    desk.close();
    Ok(())
}

const DEAD: &str = "/etc/yum.repos.d/dead.repo";

fn unreachable_mirror(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    guest
        .sh(&format!("printf '[dead]\\nname=Dead\\nbaseurl=http://127.0.0.1:9/\\ngpgcheck=0\\n' > {DEAD}"))?;
    let pending = check(&desk);
    let unknown = desk.install("lab-nosuch");
    guest.sh(&format!("rm {DEAD}"))?;
    let pending = pending?;
    ensure!(pending.refresh_error.as_deref().is_some_and(|e| e.contains("cannot be reached")), "{pending:?}");
    expect_error(
        &unknown?,
        ErrorCode::NotFound,
        "repository metadata could not be refreshed: a repository cannot be reached",
    )?;
    desk.close();
    Ok(())
}
