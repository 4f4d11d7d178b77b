//! Everything that goes wrong with packages: scripts, dependencies, locks, disks.

use super::{Desk, changed, expect_change, expect_error};
use anyhow::{Result, ensure};
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::{Guest, operations};
use infiniservice_protocol::{Action, ErrorCode};
use std::time::Duration;

pub const SCENARIOS: &[Scenario] = &[
    ("packages::a_script_that_fails_is_told_in_its_words_and_can_be_removed", script_fails),
    ("packages::a_script_that_asks_gets_no_answer_and_ends", script_asks),
    ("packages::a_script_that_floods_is_counted_and_cut", script_floods),
    ("packages::a_change_outlives_its_timeout_keeps_others_out_and_tells_its_end", script_hangs),
    ("packages::a_script_that_restarts_the_agent_is_carried_through_to_its_end", script_restarts),
    ("packages::what_cannot_be_installed_says_why", impossible),
    ("packages::a_held_lock_is_busy_and_names_the_holder", locked),
    ("packages::a_full_disk_is_told", full),
];

fn script_fails(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let response = desk.install("lab-fails")?;
    expect_error(&response, ErrorCode::ExecutionFailed, "a package's script failed")?;
    ensure!(response.stderr.contains("lab-fails: no such frobnicator"), "{}", response.stderr);
    ensure!(response.exit_code == Some(100), "{response:?}");
    ensure!(changed(&response)? == (None, Some("1.0".to_owned()), true), "{response:?}");
    expect_change(&desk.remove("lab-fails")?, Some("1.0"), None, true)?;
    desk.close();
    Ok(())
}

fn script_asks(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let response = desk.install("lab-asks")?;
    expect_change(&response, None, Some("1.0"), true)?;
    ensure!(response.stdout.contains("answer: none"), "{}", response.stdout);
    expect_change(&desk.remove("lab-asks")?, Some("1.0"), None, true)?;
    desk.close();
    Ok(())
}

fn script_floods(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let response = desk.install("lab-floods")?;
    expect_change(&response, None, Some("1.0"), true)?;
    ensure!(response.stdout_truncated == Some(true) && response.stdout_bytes.is_some_and(|n| n > 1_900_000));
    ensure!(response.stdout.len() <= 1 << 20, "{}", response.stdout.len());
    expect_change(&desk.remove("lab-floods")?, Some("1.0"), None, true)?;
    desk.close();
    Ok(())
}

fn script_hangs(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let action = Action::PackageInstall { package: "lab-hangs".to_owned(), cascade: false };
    let response = desk.ask(&action, Some(Duration::from_secs(20)))?;
    expect_error(&response, ErrorCode::Timeout, "still running")?;
    ensure!(response.data["still_running"] == true, "{}", response.data);
    expect_error(&desk.install("lab-plain")?, ErrorCode::Busy, "lab-hangs")?;
    desk.until_a_script_hangs()?;
    // dpkg is not killed; once its script ends it says what it thinks of that.
    guest.sh("pkill -f '[s]leep 100000'; while pgrep -x apt-get; do sleep 0.2; done")?;
    let left = guest.sh("pgrep -fa '[s]leep 100000|[d]pkg|[a]pt-get|[t]ee -p' || true")?;
    ensure!(left.is_empty(), "processes are left: {left}");
    let ended = desk.ended(&response.id)?;
    let change = &ended.data["changes"][0];
    ensure!(change["state"] == "failed" && change["outlived_timeout"] == true, "{change}");
    ensure!(desk.dpkg("lab-hangs")? == "half-configured 1.0", "{}", desk.dpkg("lab-hangs")?);
    expect_change(&desk.remove("lab-hangs")?, Some("1.0"), None, true)?;
    expect_change(&desk.install("lab-plain")?, None, Some("1.0"), true)?;
    expect_change(&desk.remove("lab-plain")?, Some("1.0"), None, true)?;
    desk.close();
    Ok(())
}

/// As the package of the agent itself does when apt installs a newer one.
fn script_restarts(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let before = guest.agent_pid()?;
    let response = desk.install("lab-restarts")?;
    expect_error(&response, ErrorCode::Cancelled, "continues without it")?;
    ensure!(response.stdout.contains("Setting up lab-restarts"), "{response:?}");
    guest.until("the end of the package's script", |guest| {
        let scopes = guest.sh("systemctl list-units --plain --no-legend 'infiniservice-package-*'")?;
        Ok(scopes.is_empty() && desk.dpkg("lab-restarts")? == "installed 1.0")
    })?;
    ensure!(guest.agent_pid()? != before, "the agent was not restarted");
    guest.until_served(&desk.client)?;
    expect_change(&desk.install("lab-restarts")?, Some("1.0"), Some("1.0"), false)?;
    expect_change(&desk.remove("lab-restarts")?, Some("1.0"), None, true)?;
    guest.sh("rm /run/lab-restarted")?;
    desk.close();
    Ok(())
}

fn impossible(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    let broken = desk.install("lab-broken")?;
    expect_error(&broken, ErrorCode::ExecutionFailed, "lab-broken : Depends: lab-absent (>= 2)")?;
    ensure!(broken.stderr.contains("E: "), "{broken:?}");
    expect_change(&desk.install("lab-plain")?, None, Some("1.0"), true)?;
    expect_error(&desk.install("lab-enemy")?, ErrorCode::Conflict, "it would remove lab-plain")?;
    ensure!(desk.dpkg("lab-plain")? == "installed 1.0");
    expect_change(&desk.remove("lab-plain")?, Some("1.0"), None, true)?;
    // apt 2 names what needs it, apt 3 that it is essential.
    let refused = desk.remove("dpkg")?;
    expect_error(&refused, ErrorCode::ExecutionFailed, "packages that must stay need it")
        .or_else(|_| expect_error(&refused, ErrorCode::ExecutionFailed, "the system needs it"))?;
    expect_error(&desk.remove("hostname")?, ErrorCode::ExecutionFailed, "the system needs it")?;
    desk.close();
    Ok(())
}

const HOLD: &str = "import fcntl, time\n\
    lock = open('/var/lib/dpkg/lock-frontend', 'w')\n\
    fcntl.lockf(lock, fcntl.LOCK_EX)\n\
    open('/run/lab-locked', 'w').close()\n\
    time.sleep(100000)\n";

fn locked(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    guest.sh(&format!(
        "cat > /run/lab-hold.py <<'END'\n{HOLD}END\nsystemd-run -q --unit lab-hold python3 /run/lab-hold.py\n\
         until [ -e /run/lab-locked ]; do :; done"
    ))?;
    let action = Action::PackageInstall { package: "lab-plain".to_owned(), cascade: false };
    let response = desk.ask(&action, Some(Duration::from_secs(60)))?;
    let pid = guest.sh("systemctl show -p MainPID --value lab-hold")?;
    guest.sh("systemctl stop lab-hold; rm /run/lab-locked")?;
    expect_error(&response, ErrorCode::Busy, &format!("python3 (pid {pid})"))?;
    let said = response.error.clone().unwrap_or_default();
    operations::shown("packages::a_held_lock_is_busy_and_names_the_holder", || Ok(said.clone()))?;
    expect_change(&desk.install("lab-plain")?, None, Some("1.0"), true)?;
    expect_change(&desk.remove("lab-plain")?, Some("1.0"), None, true)?;
    desk.close();
    Ok(())
}

fn full(guest: &Guest) -> Result<()> {
    let desk = Desk::open(guest)?;
    guest.sh(
        "mount -t tmpfs -o size=12k tmpfs /var/cache/apt/archives; mkdir /var/cache/apt/archives/partial",
    )?;
    let response = desk.install("lab-plain");
    guest.sh("umount /var/cache/apt/archives")?;
    expect_error(&response?, ErrorCode::ExecutionFailed, "a disk is full")?;
    guest.sh("mkdir -p /usr/share/lab-plain; mount -t tmpfs -o size=4k tmpfs /usr/share/lab-plain; echo > /usr/share/lab-plain/x")?;
    let response = desk.install("lab-plain");
    guest.sh("umount /usr/share/lab-plain")?;
    let response = response?;
    expect_error(&response, ErrorCode::ExecutionFailed, "a disk is full")?;
    ensure!(response.stderr.contains("No space left on device"), "{}", response.stderr);
    desk.close();
    Ok(())
}
