//! What `Autochecks` says of updates, and its remediations sent back.

use super::{Desk, RENEW_THE_REPOSITORIES, expect_change};
use crate::autochecks::{checked, expect, of, remedy};
use crate::support::Undo;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::CheckStatus::{Passed, Warning};

pub const SCENARIOS: &[Scenario] = &[(
    "packages::updates_old_lists_security_and_a_restart_are_checked_and_what_can_be_is_remedied",
    updates,
)];

/// Nine days, over the week after which lists are not trusted any more.
const OLD_LISTS: &str = "touch -d '9 days ago' /var/lib/apt/lists; touch -c -d '9 days ago' /var/lib/apt/periodic/update-success-stamp";
const RESTART: &str = "echo lab-fixed > /run/reboot-required.pkgs; touch /run/reboot-required";
const NO_RESTART: &str = "rm -f /run/reboot-required /run/reboot-required.pkgs";

fn updates(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let _undo = Undo::by(guest, NO_RESTART);
    guest.sh(&format!("{RENEW_THE_REPOSITORIES}; apt-get -q update"))?;
    expect_change(&desk.install("lab-plain=1.0")?, None, Some("1.0"), true)?;
    expect_change(&desk.install("lab-fixed=1.0")?, None, Some("1.0"), true)?;
    guest.sh(&format!("{OLD_LISTS}; {RESTART}"))?;
    let names = ["pending_updates", "security_updates", "reboot_required"];
    let look = || checked(guest, &desk.client, &names);

    let old = look()?;
    expect(
        of(&old, "pending_updates")?,
        Warning,
        "2 updates are pending. The repository metadata is 9 days old",
    )?;
    expect(of(&old, "security_updates")?, Warning, "1 security update is pending.")?;
    expect(of(&old, "reboot_required")?, Warning, "requested by 1 updated package")?;
    let fetched = remedy(guest, &desk.client, of(&old, "pending_updates")?)?;
    ensure!(fetched.command_type == "UpdateCheck", "{fetched:?}");
    let installed = remedy(guest, &desk.client, of(&old, "security_updates")?)?;
    ensure!(installed.command_type == "UpdateInstall" && installed.data["changed"] == true, "{installed:?}");

    guest.sh(NO_RESTART)?;
    let new = look()?;
    expect(of(&new, "pending_updates")?, Passed, "1 update is pending.")?;
    expect(of(&new, "security_updates")?, Passed, "No security update is pending.")?;
    // Where another system's kernel runs, nothing tells.
    let restart = of(&new, "reboot_required")?;
    let told = restart.message.contains("No reboot is needed.") || restart.message.contains("kernel");
    ensure!(told && restart.status != Warning, "{restart:?}");
    expect_change(&desk.remove("lab-plain")?, Some("1.0"), None, true)?;
    expect_change(&desk.remove("lab-fixed")?, Some("2.0"), None, true)?;
    desk.close();
    Ok(())
}
