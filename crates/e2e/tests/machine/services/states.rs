//! Starts that fail, last too long, or fail because of another unit.

use super::{action, done, failed, units};
use crate::support::{equal, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::ServiceOperation::{Restart, Start, Status, Stop};
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::{ErrorCode, GuestMessage};
use std::time::Duration;

pub const SCENARIOS: &[Scenario] = &[
    ("services::a_failed_start_tells_why_with_the_units_last_words", failing),
    ("services::a_program_that_is_not_there_is_a_failed_start", no_program),
    ("services::a_unit_that_needs_a_failed_one_says_so", dependency),
    ("services::a_unit_started_too_often_says_so", too_often),
    ("services::a_start_that_outlasts_its_time_is_answered_and_systemd_goes_on", slow),
    ("services::a_unit_that_dies_later_is_told_as_failed", dies),
];

const FAILING: &str = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\n\
    ExecStart=/bin/sh -c 'echo the reason is this one >&2; exit 3'\n";

fn failing(guest: &Guest) -> Result<()> {
    let _undo = units(guest, &[("lab-failing.service", FAILING)])?;
    with_host(guest, |client| {
        for operation in [Start, Restart] {
            let response =
                failed(guest, client, "lab-failing", operation, ErrorCode::ExecutionFailed, "exit code 3")?;
            ensure!(response.stderr.contains("the reason is this one"), "stderr: {:?}", response.stderr);
        }
        equal("status", done(guest, client, "lab-failing", Status)?.status.as_str(), "failed")?;
        equal("what stop leaves", done(guest, client, "lab-failing", Stop)?.can_start, true)
    })
}

fn no_program(guest: &Guest) -> Result<()> {
    let text = "[Service]\nType=exec\nExecStart=/no/such/program\n";
    let _undo = units(guest, &[("lab-none.service", text)])?;
    with_host(guest, |client| {
        let response = failed(guest, client, "lab-none", Start, ErrorCode::ExecutionFailed, "203")?;
        // The line that names the program is the dead child's own, and journald does not always know its unit.
        ensure!(response.stderr.contains("status=203/EXEC"), "stderr: {:?}", response.stderr);
        Ok(())
    })
}

fn dependency(guest: &Guest) -> Result<()> {
    let needs = "[Unit]\nRequires=lab-failing.service\nAfter=lab-failing.service\n[Service]\nExecStart=/bin/sleep 1000\n";
    let _undo = units(guest, &[("lab-failing.service", FAILING), ("lab-needs.service", needs)])?;
    with_host(guest, |client| {
        failed(guest, client, "lab-needs", Start, ErrorCode::ExecutionFailed, "requires failed")?;
        equal("status", done(guest, client, "lab-needs", Status)?.status.as_str(), "stopped")
    })
}

fn too_often(guest: &Guest) -> Result<()> {
    let text = "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";
    let _undo = units(guest, &[("lab-often.service", text)])?;
    with_host(guest, |client| {
        for _ in 0..2 {
            equal("status", done(guest, client, "lab-often", Restart)?.status.as_str(), "exited")?;
        }
        failed(guest, client, "lab-often", Restart, ErrorCode::ExecutionFailed, "too often").map(drop)
    })
}

fn slow(guest: &Guest) -> Result<()> {
    let text = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1000\n";
    let _undo = units(guest, &[("lab-slow.service", text)])?;
    with_host(guest, |client| {
        // Long enough that even a starved machine has queued the job by then.
        let command = client.command(&action("lab-slow", Start), Some(Duration::from_secs(20)));
        let event = guest.wait(client.call(&command, TIMEOUT))?;
        let Some(GuestMessage::Response(response)) = event.message() else { anyhow::bail!("{event:?}") };
        equal("code", response.error_code, Some(ErrorCode::Timeout))?;
        ensure!(
            response.error.as_ref().is_some_and(|text| text.contains("systemd continues")),
            "{response:?}"
        );
        ensure!(response.execution_time_ms >= 20_000, "{response:?}");
        let one = done(guest, client, "lab-slow", Status)?;
        equal("status", one.status.as_str(), "starting")?;
        let stopped = guest.succeed(client, &action("lab-slow", Stop))?;
        let stopped: ServiceInfo = serde_json::from_value(stopped.data)?;
        ensure!(stopped.pid.is_none() && stopped.can_start, "{stopped:?}");
        Ok(())
    })
}

fn dies(guest: &Guest) -> Result<()> {
    let text = "[Service]\nExecStart=/bin/sleep 1000\n";
    let _undo = units(guest, &[("lab-dies.service", text)])?;
    with_host(guest, |client| {
        let pid = done(guest, client, "lab-dies", Start)?.pid.unwrap_or_default();
        guest.sh(&format!("kill -SEGV {pid}"))?;
        guest.until("systemd sees it", |guest| {
            Ok(guest.sh("systemctl is-failed lab-dies || true")? == "failed")
        })?;
        let one = done(guest, client, "lab-dies", Status)?;
        equal("status", (one.status.as_str(), one.pid, one.can_start), ("failed", None, true))?;
        let list: Vec<ServiceInfo> = crate::support::data(
            guest,
            client,
            &infiniservice_protocol::Action::ServiceList { state: Some("failed".into()) },
        )?;
        equal("failed services", list, vec![one])
    })
}
