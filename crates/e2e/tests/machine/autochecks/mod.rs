//! `Autochecks` on real trouble: each kind is made, found, and put right again.

pub mod clock;
pub mod disks;
pub mod strain;

use crate::support::{Undo, answer_to, with_host};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::{AutochecksData, Check, CheckStatus, Health};
use infiniservice_protocol::{Action, ErrorCode, Response};
use serde_json::{Value, json};

/// Before others trouble the machine.
pub const HEALTHY: &[Scenario] =
    &[("autochecks::a_healthy_machine_is_called_so_and_each_check_says_something", healthy)];
pub const SCENARIOS: &[Scenario] = &[
    ("autochecks::an_unknown_check_is_refused_naming_those_that_there_are", unknown),
    ("autochecks::a_failed_unit_is_healed_by_its_own_remediation", failed_unit),
    ("autochecks::a_program_that_hangs_costs_its_own_check_only", hung),
];

/// How long a round of checks may take, in seconds, where nothing else is said.
const ROUND_SECS: u64 = 50;

/// Sends a `command_type` as it is.
pub fn ask(guest: &Guest, client: &Client, command: &Value) -> Result<Response> {
    ask_within(guest, client, ROUND_SECS, command)
}

fn ask_within(guest: &Guest, client: &Client, timeout_secs: u64, command: &Value) -> Result<Response> {
    let message = json!({"type": "SafeCommand", "timeout": timeout_secs, "command_type": command});
    answer_to(guest, client, message)
}

/// The checks of these names, in the order of the list of all.
pub fn checked(guest: &Guest, client: &Client, names: &[&str]) -> Result<AutochecksData> {
    let response = ask(guest, client, &json!({"action": "Autochecks", "checks": names}))?;
    ensure!(response.success, "{response:?}");
    let data: AutochecksData = serde_json::from_value(response.data)?;
    for check in &data.checks {
        println!("  {} {:?}: {}", check.name, check.status, check.message);
    }
    Ok(data)
}

/// One check alone.
pub fn one(guest: &Guest, client: &Client, name: &str) -> Result<Check> {
    checked(guest, client, &[name])?.checks.pop().context("no check")
}

/// One check of several.
pub fn of<'a>(data: &'a AutochecksData, name: &str) -> Result<&'a Check> {
    data.checks.iter().find(|check| check.name == name).with_context(|| format!("no check {name}"))
}

/// A check that has to end so, with these words in its message.
pub fn expect(check: &Check, status: CheckStatus, words: &str) -> Result<()> {
    ensure!(
        check.status == status && check.message.contains(words),
        "not {status:?} with {words:?}: {check:?}"
    );
    Ok(())
}

/// Sends a check's remediation back as it came, as a host does; it has to succeed.
pub fn remedy(guest: &Guest, client: &Client, check: &Check) -> Result<Response> {
    let remediation = check.remediation.as_ref().with_context(|| format!("no remediation: {check:?}"))?;
    let command = remediation.command.as_ref().with_context(|| format!("no command: {check:?}"))?;
    let command = serde_json::to_value(command)?;
    println!("  sent back: {command}");
    let response = ask_within(guest, client, 300, &command)?;
    ensure!(response.success, "{command} failed: {response:?}");
    Ok(response)
}

fn healthy(guest: &Guest) -> Result<()> {
    let action = Action::Autochecks { checks: None, warning_percent: None, critical_percent: None };
    let response = with_host(guest, |client| guest.succeed(client, &action))?;
    let data: AutochecksData = serde_json::from_value(response.data)?;
    println!("{} ms: {:?}, {}", response.execution_time_ms, data.overall_health, data.score);
    for check in &data.checks {
        println!("  {} {:?}: {}", check.name, check.status, check.message);
        ensure!(!check.message.is_empty(), "{check:?}");
        // The machine is alone on its network and may be emulated: its clock and its load are its own affair. Nor has
        // it package sources.
        let own = ["time_sync", "clock_skew", "cpu_load", "cpu_steal", "pending_updates"];
        let own = own.contains(&check.name.as_str());
        let well = matches!(check.status, CheckStatus::Passed | CheckStatus::Skipped);
        ensure!(own || well, "{check:?}");
    }
    let made = data.checks.iter().filter(|check| check.status != CheckStatus::Skipped).count();
    ensure!(made >= 12 && data.overall_health != Health::Critical && data.score >= 50, "{data:?}");
    expect(of(&data, "pending_updates")?, CheckStatus::Warning, "never fetched")?;
    expect(of(&data, "security_updates")?, CheckStatus::Skipped, "never fetched")
}

fn unknown(guest: &Guest) -> Result<()> {
    let command = json!({"action": "Autochecks", "checks": ["moon_phase"]});
    let response = with_host(guest, |client| ask(guest, client, &command))?;
    ensure!(response.error_code == Some(ErrorCode::InvalidParameter), "{response:?}");
    ensure!(response.error.as_ref().is_some_and(|error| error.contains("failed_units")), "{response:?}");
    Ok(())
}

/// The remediation goes back to the guest as the JSON that it came as.
fn failed_unit(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(
        guest,
        "systemctl stop lab-broken; rm -f /etc/systemd/system/lab-broken.service /run/lab-cause-gone; systemctl daemon-reload",
    );
    guest.sh(
        "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/test -e /run/lab-cause-gone\\n' \
         > /etc/systemd/system/lab-broken.service && systemctl daemon-reload && ! systemctl start lab-broken",
    )?;
    with_host(guest, |client| {
        let response = ask(guest, client, &json!({"action": "Autochecks", "checks": ["failed_units"]}))?;
        let check = &response.data["checks"][0];
        ensure!(check["status"] == "warning" && response.data["overall_health"] == "Warning", "{response:?}");
        let command = check["remediation"]["command"].clone();
        ensure!(command["service"] == "lab-broken.service" && command["operation"] == "restart", "{command}");
        let early = ask(guest, client, &command)?;
        ensure!(!early.success, "restarting helped although the cause is still there: {early:?}");
        guest.sh("touch /run/lab-cause-gone")?;
        let healed = ask(guest, client, &command)?;
        ensure!(healed.success, "{healed:?}");
        let after = checked(guest, client, &["failed_units"])?;
        ensure!((after.overall_health, after.score) == (Health::Healthy, 100), "{after:?}");
        Ok(())
    })
}

/// A journalctl that never ends stands in front of the real one; it belongs to root, so that the agent starts it.
fn hung(guest: &Guest) -> Result<()> {
    guest.sh(
        "test ! -e /usr/sbin/journalctl && printf '#!/bin/sh\\nsleep 4242 & wait\\n' > /usr/sbin/journalctl && \
         chmod 755 /usr/sbin/journalctl",
    )?;
    let undo = Undo::by(guest, "rm /usr/sbin/journalctl");
    let names = ["disk_errors", "disk_space", "memory"];
    let command = json!({"action": "Autochecks", "checks": names});
    let response = with_host(guest, |client| ask_within(guest, client, 10, &command))?;
    drop(undo);
    ensure!(response.success, "{response:?}");
    let data: AutochecksData = serde_json::from_value(response.data)?;
    let status = names.map(|name| of(&data, name).map(|check| check.status).ok());
    let wanted = [CheckStatus::Skipped, CheckStatus::Passed, CheckStatus::Passed].map(Some);
    ensure!(status == wanted, "{data:?}");
    guest.until("nothing of the hung program is left", |guest| {
        Ok(guest.sh("pgrep -f 'sleep 424[2]' || true")?.is_empty())
    })
}
