//! Everything that goes wrong with rpm packages: scripts, dependencies, locks, disks.

use super::super::rpm::{self, rpm};
use super::super::{changed, expect_change, expect_error};
use super::open;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, ErrorCode};
use std::time::Duration;

pub const SCENARIOS: &[Scenario] = &[
    ("packages::dnf_a_script_that_fails_is_told_though_dnf_calls_it_a_success", script_fails),
    ("packages::dnf_a_script_that_floods_is_counted_and_cut", script_floods),
    ("packages::dnf_a_change_outlives_its_timeout_keeps_others_out_and_tells_its_end", script_hangs),
    ("packages::dnf_says_why_something_cannot_be_installed", impossible),
    ("packages::dnf_a_held_lock_is_busy_and_names_the_holder", locked),
    ("packages::dnf_a_full_disk_is_told", full),
];

fn script_fails(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let after = desk.install("lab-fails")?;
    expect_error(&after, ErrorCode::ExecutionFailed, "a package's script failed")?;
    ensure!(after.stdout.contains("no such frobnicator") || after.stderr.contains("no such frobnicator"));
    ensure!(changed(&after)? == (None, Some("1.0-1".to_owned()), true), "{after:?}");
    let before = desk.install("lab-refuses")?;
    expect_error(&before, ErrorCode::ExecutionFailed, "a package's script failed")?;
    ensure!(changed(&before)? == (None, None, false), "{before:?}");
    expect_change(&desk.remove("lab-fails")?, Some("1.0-1"), None, true)?;
    desk.close();
    Ok(())
}

fn script_floods(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let response = desk.install("lab-floods")?;
    guest.sh("rpm -e lab-floods")?;
    expect_change(&response, None, Some("1.0-1"), true)?;
    ensure!(response.stdout_truncated == Some(true) && response.stdout_bytes.is_some_and(|n| n > 2_000_000));
    ensure!(response.stdout.len() <= 1 << 20, "{}", response.stdout.len());
    desk.close();
    Ok(())
}

fn script_hangs(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let action = Action::PackageInstall { package: "lab-hangs".to_owned(), cascade: false };
    let response = desk.ask(&action, Some(Duration::from_secs(20)))?;
    expect_error(&response, ErrorCode::Timeout, "still running")?;
    ensure!(response.data["still_running"] == true, "{}", response.data);
    expect_error(&desk.install("lab-plain")?, ErrorCode::Busy, "lab-hangs")?;
    desk.until_a_script_hangs()?;
    // dnf is not killed; once its script ends it says what it thinks of that, and the agent reads what is installed then.
    guest.sh("pkill -f '[s]leep 100000'; while pgrep -f '[d]nf|[r]pm -qa'; do sleep 0.2; done")?;
    let left = guest.sh("pgrep -fa '[s]leep 100000|[d]nf|[r]pm|[t]ee -p' || true")?;
    ensure!(left.is_empty(), "processes are left: {left}");
    let ended = desk.ended(&response.id)?;
    let change = &ended.data["changes"][0];
    ensure!(change["outlived_timeout"] == true, "{}", ended.data);
    ensure!(rpm(guest)?.contains("lab-hangs"), "{}", rpm(guest)?);
    expect_change(&desk.remove("lab-hangs")?, Some("1.0-1"), None, true)?;
    desk.close();
    Ok(())
}

fn impossible(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let broken = desk.install("lab-broken")?;
    expect_error(&broken, ErrorCode::ExecutionFailed, "nothing provides lab-absent >= 2")?;
    ensure!(broken.stderr.contains("Problem: "), "{broken:?}");
    guest.sh("rpm -i /srv/lab/rpm/old/lab-plain-1.0.rpm")?;
    let enemy = desk.install("lab-enemy")?;
    guest.sh("rpm -e lab-plain")?;
    expect_error(&enemy, ErrorCode::Conflict, "it would remove lab-plain")?;
    desk.close();
    Ok(())
}

fn locked(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    rpm::locked(&desk, "/var/cache/dnf/metadata_lock.pid")?;
    desk.close();
    Ok(())
}

fn full(guest: &Guest) -> Result<()> {
    let desk = open(guest)?;
    let response = rpm::full(&desk)?;
    ensure!(response.stderr.contains("/usr/share/lab-big filesystem"), "{}", response.stderr);
    desk.close();
    Ok(())
}
