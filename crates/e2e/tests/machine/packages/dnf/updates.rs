//! dnf's checks and installations of updates, and mirrors that cannot be reached.

use super::super::updates::check;
use super::super::{expect_error, rpm};
use super::open;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::ErrorCode;

pub const SCENARIOS: &[Scenario] = &[
    ("packages::dnf_updates_security_ones_are_told_apart_and_installed_alone", security),
    ("packages::dnf_updates_a_mirror_that_cannot_be_reached_is_told", unreachable_mirror),
];

fn security(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    rpm::security(&desk, "dnf")?;
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
