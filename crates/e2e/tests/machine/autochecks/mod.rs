//! `Autochecks` on real trouble: each kind is made, found, and put right again.

use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::{AutochecksData, Check, CheckStatus, Health};
use infiniservice_protocol::{Action, ErrorCode, GuestMessage, Response};
use serde_json::{Value, json};

/// Before others trouble the machine.
pub const HEALTHY: &[Scenario] =
    &[("autochecks::a_healthy_machine_is_called_so_and_each_check_says_something", healthy)];
pub const INODES: &[Scenario] = &[("autochecks::a_file_system_without_inodes_is_found", inodes)];
pub const SCENARIOS: &[Scenario] = &[
    ("autochecks::an_unknown_check_is_refused_naming_those_that_there_are", unknown),
    ("autochecks::a_failed_unit_is_healed_by_its_own_remediation", failed_unit),
    ("autochecks::a_full_small_file_system_is_found_and_freed_again", full_disk),
    ("autochecks::a_remount_that_fstab_does_not_want_is_found", read_only),
    ("autochecks::a_program_that_hangs_costs_its_own_check_only", hung),
    ("autochecks::an_oom_kill_is_counted_and_its_victim_named", oom_kill),
];

fn ask(guest: &Guest, client: &Client, command: &Value) -> Result<Response> {
    ask_within(guest, client, 50, command)
}

fn ask_within(guest: &Guest, client: &Client, timeout_secs: u64, command: &Value) -> Result<Response> {
    let mut events = client.subscribe();
    let id = client.new_id();
    let line = json!({"type": "SafeCommand", "id": id, "timeout": timeout_secs, "command_type": command});
    guest.wait(client.send_raw(format!("{line}\n")))?;
    guest.message(&mut events, "the answer", |message| match message {
        GuestMessage::Response(response) if response.id == id => Some(response.clone()),
        _ => None,
    })
}

fn checked(guest: &Guest, client: &Client, names: &[&str]) -> Result<AutochecksData> {
    let response = ask(guest, client, &json!({"action": "Autochecks", "checks": names}))?;
    ensure!(response.success, "{response:?}");
    Ok(serde_json::from_value(response.data)?)
}

fn one(guest: &Guest, client: &Client, name: &str) -> Result<Check> {
    checked(guest, client, &[name])?.checks.pop().context("no check")
}

fn healthy(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let action = Action::Autochecks { checks: None, warning_percent: None, critical_percent: None };
    let response = guest.succeed(&client, &action)?;
    let data: AutochecksData = serde_json::from_value(response.data)?;
    println!("{} ms: {:?}, {}", response.execution_time_ms, data.overall_health, data.score);
    for check in &data.checks {
        println!("  {} {:?}: {}", check.name, check.status, check.message);
        ensure!(!check.message.is_empty(), "{check:?}");
        // The machine is alone on its network and may be emulated: its clock and its load are its own affair.
        let own = ["time_sync", "clock_skew", "cpu_load", "cpu_steal"].contains(&check.name.as_str());
        let well = matches!(check.status, CheckStatus::Passed | CheckStatus::Skipped);
        ensure!(own || well, "{check:?}");
    }
    let made = data.checks.iter().filter(|check| check.status != CheckStatus::Skipped).count();
    ensure!(made >= 12 && data.overall_health != Health::Critical && data.score >= 50, "{data:?}");
    guest.disconnect(client);
    Ok(())
}

fn unknown(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let response = ask(guest, &client, &json!({"action": "Autochecks", "checks": ["moon_phase"]}))?;
    ensure!(response.error_code == Some(ErrorCode::InvalidParameter), "{response:?}");
    ensure!(response.error.as_ref().is_some_and(|error| error.contains("failed_units")), "{response:?}");
    guest.disconnect(client);
    Ok(())
}

/// The remediation goes back to the guest as the JSON that it came as.
fn failed_unit(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    guest.sh(
        "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/test -e /run/lab-cause-gone\\n' \
         > /etc/systemd/system/lab-broken.service && systemctl daemon-reload && ! systemctl start lab-broken",
    )?;
    let response = ask(guest, &client, &json!({"action": "Autochecks", "checks": ["failed_units"]}))?;
    let check = &response.data["checks"][0];
    ensure!(check["status"] == "warning" && response.data["overall_health"] == "Warning", "{response:?}");
    let command = check["remediation"]["command"].clone();
    ensure!(command["service"] == "lab-broken.service" && command["operation"] == "restart", "{command}");
    let early = ask(guest, &client, &command)?;
    ensure!(!early.success, "restarting helped although the cause is still there: {early:?}");
    guest.sh("touch /run/lab-cause-gone")?;
    let healed = ask(guest, &client, &command)?;
    ensure!(healed.success, "{healed:?}");
    let after = checked(guest, &client, &["failed_units"])?;
    ensure!((after.overall_health, after.score) == (Health::Healthy, 100), "{after:?}");
    guest.sh("systemctl stop lab-broken; rm /etc/systemd/system/lab-broken.service /run/lab-cause-gone; systemctl daemon-reload")?;
    guest.disconnect(client);
    Ok(())
}

/// Makes a file system of 16 MB in a file and mounts it at `/srv/lab-small`.
fn with_small_disk(guest: &Guest, inodes: u32, scenario: impl FnOnce() -> Result<()>) -> Result<()> {
    guest.sh(&format!(
        "mkdir -p /srv/lab-small && truncate -s 16M /var/tmp/lab-small.img && \
         mkfs.ext4 -q -m 0 -N {inodes} /var/tmp/lab-small.img && mount -o loop /var/tmp/lab-small.img /srv/lab-small"
    ))?;
    let result = scenario();
    guest.sh("umount /srv/lab-small; rm -f /var/tmp/lab-small.img; rmdir /srv/lab-small")?;
    result
}

fn full_disk(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    with_small_disk(guest, 1024, || {
        let before = one(guest, &client, "disk_space")?;
        ensure!(before.status == CheckStatus::Passed, "{before:?}");
        guest.sh("dd if=/dev/zero of=/srv/lab-small/fill bs=64k status=none 2>/dev/null || true")?;
        let full = one(guest, &client, "disk_space")?;
        ensure!(
            full.status == CheckStatus::Failed && full.message.contains("/srv/lab-small has"),
            "{full:?}"
        );
        let remediation = full.remediation.context("no remediation")?;
        ensure!(remediation.command.is_none(), "cleaning cannot help there: {remediation:?}");
        let lenient = json!({"action": "Autochecks", "checks": ["disk_space"], "warning_percent": 1, "critical_percent": 100});
        guest.sh("truncate -s 1M /srv/lab-small/fill")?;
        let low = ask(guest, &client, &lenient)?;
        ensure!(low.data["checks"][0]["status"] == "warning", "the asked threshold holds: {low:?}");
        let freed = one(guest, &client, "disk_space")?;
        ensure!(freed.status == CheckStatus::Passed, "{freed:?}");
        Ok(())
    })?;
    guest.disconnect(client);
    Ok(())
}

fn inodes(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    with_small_disk(guest, 64, || {
        guest.sh("cd /srv/lab-small && touch $(seq 200) 2>/dev/null; true")?;
        let full = checked(guest, &client, &["disk_space", "disk_inodes"])?;
        let [space, inodes] = full.checks.as_slice() else { anyhow::bail!("{full:?}") };
        ensure!(space.status == CheckStatus::Passed, "{space:?}");
        ensure!(
            inodes.status == CheckStatus::Failed && inodes.message.contains("/srv/lab-small"),
            "{inodes:?}"
        );
        Ok(())
    })?;
    guest.disconnect(client);
    Ok(())
}

fn read_only(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    with_small_disk(guest, 64, || {
        guest.sh("mount -o remount,ro /srv/lab-small")?;
        let meant = one(guest, &client, "read_only_mounts")?;
        ensure!(meant.status == CheckStatus::Passed, "nobody wants it written: {meant:?}");
        guest.sh(
            "cp /etc/fstab /run/lab-fstab && echo '/var/tmp/lab-small.img /srv/lab-small ext4 loop,noauto 0 0' >> /etc/fstab",
        )?;
        let found = one(guest, &client, "read_only_mounts");
        guest.sh("cp /run/lab-fstab /etc/fstab")?;
        let found = found?;
        ensure!(
            found.status == CheckStatus::Failed && found.message.starts_with("/srv/lab-small"),
            "{found:?}"
        );
        Ok(())
    })?;
    guest.disconnect(client);
    Ok(())
}

/// A journalctl that never ends stands in front of the real one; it belongs to root, so that the agent starts it.
fn hung(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    guest.sh(
        "test ! -e /usr/sbin/journalctl && printf '#!/bin/sh\\nsleep 4242 & wait\\n' > /usr/sbin/journalctl && \
         chmod 755 /usr/sbin/journalctl",
    )?;
    let names = ["disk_errors", "disk_space", "memory"];
    let answered = ask_within(guest, &client, 10, &json!({"action": "Autochecks", "checks": names}));
    guest.sh("rm /usr/sbin/journalctl")?;
    let response = answered?;
    ensure!(response.success, "{response:?}");
    let status = |name: &str| {
        let checks = response.data["checks"].as_array().cloned().unwrap_or_default();
        checks.into_iter().find(|check| check["name"] == name).map(|check| check["status"].clone())
    };
    ensure!(status("disk_errors") == Some("skipped".into()), "{response:?}");
    ensure!(status("disk_space") == Some("passed".into()), "{response:?}");
    ensure!(status("memory") == Some("passed".into()), "{response:?}");
    guest.until("nothing of the hung program is left", |guest| {
        Ok(guest.sh("pgrep -f 'sleep 424[2]' || true")?.is_empty())
    })?;
    guest.disconnect(client);
    Ok(())
}

fn oom_kill(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let before = one(guest, &client, "oom_kills")?;
    let count = |check: &Check| check.details["kill_count"].as_u64().unwrap_or(u64::MAX);
    // tail keeps a line without an end in memory.
    guest.sh(
        "systemd-run -q --wait --unit lab-hog -p MemoryMax=16M -p MemorySwapMax=0 -p OOMPolicy=continue \
         sh -c 'head -c 200M /dev/zero | tail' || true; systemctl reset-failed lab-hog 2>/dev/null || true",
    )?;
    guest.until("the kernel's log holds the kill", |guest| {
        Ok(guest.sh("journalctl -k -b --no-pager | grep -c 'Killed process' || true")? != "0")
    })?;
    let after = one(guest, &client, "oom_kills")?;
    ensure!(
        after.status == CheckStatus::Warning && count(&after) > count(&before),
        "{before:?} then {after:?}"
    );
    ensure!(after.message.contains("tail"), "{after:?}");
    println!(
        "{}",
        guest.sh("journalctl -k -b -p warning -o json --output-fields=MESSAGE -r -n 6 --no-pager -q")?
    );
    guest.disconnect(client);
    Ok(())
}
