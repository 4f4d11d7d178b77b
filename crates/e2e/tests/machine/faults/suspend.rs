//! The machine stands still: stopped by its hypervisor, and asleep by its own wish (ACPI S3).

use super::under;
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use serde_json::json;
use std::time::Duration;

pub const SCENARIOS: &[Scenario] = &[
    ("faults::a_machine_that_was_stopped_goes_on_as_if_nothing_had_been", stopped),
    ("faults::a_machine_that_slept_is_back_at_once", asleep),
];

/// QEMU's events come within this time.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long it stands still.
const STILL: Duration = Duration::from_secs(10);

fn stopped(guest: &Guest) -> Result<()> {
    let pid = guest.agent_pid()?;
    let (_, ()) = under(guest, "stopped for 10 s and continued", |guest| {
        guest.machine.pause()?;
        std::thread::sleep(STILL);
        guest.machine.go_on()
    })?;
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    Ok(())
}

fn asleep(guest: &Guest) -> Result<()> {
    let pid = guest.agent_pid()?;
    let (_, ()) = under(guest, "asleep (S3) for 10 s and woken", |guest| {
        guest.sh("systemd-run -q --on-active=1 --timer-property=AccuracySec=100ms sh -c 'echo mem > /sys/power/state'")?;
        guest.machine.wait_event("SUSPEND", TIMEOUT)?;
        std::thread::sleep(STILL);
        guest.machine.qmp("system_wakeup", &json!({}))?;
        guest.machine.wait_event("WAKEUP", TIMEOUT).map(drop)
    })?;
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    Ok(())
}
