//! What a host at its worst writes to the real port: it is answered as the contract says, costs no memory, and harms nothing else.

use crate::support::{answer_to, equal, with_host};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::cost;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::{ErrorCode, GuestMessage};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub const SCENARIOS: &[Scenario] = &[
    ("hostile_lines::json_a_million_levels_deep_is_refused_under_its_id", deep),
    ("hostile_lines::a_line_of_64_mib_is_discarded_and_answered_once", endless),
    ("hostile_lines::a_hundred_thousand_bad_lines_are_answered_now_and_then_and_all_audited", tiny),
    ("hostile_lines::parameters_of_the_wrong_type_are_refused_by_name", wrong_types),
];

/// Growth of the agent's peak memory that is no leak: a line of 1 MiB, what it is read into, its answer.
const GROWTH_MAX_KB: u64 = 8 << 10;

/// Writes `bytes` amid good commands, each of which has to be answered, and tells by how many kB the peak of the agent's memory
/// lies above what it held before.
fn amid_good_commands(guest: &Guest, client: &Client, bytes: Vec<u8>) -> Result<()> {
    let pid = guest.agent_pid()?;
    guest.sh(&format!("echo 5 > /proc/{pid}/clear_refs"))?;
    let before = cost::of_agent(guest)?;
    let ids: Vec<String> = (0..10).map(|_| client.new_id()).collect();
    let mut events = client.subscribe();
    let list = |id: &str| {
        format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":"ProcessList","limit":1}}}}"#)
    };
    for id in &ids[..5] {
        guest.wait(client.send_raw(list(id) + "\n"))?;
    }
    guest.wait(client.send_raw(bytes))?;
    for id in &ids[5..] {
        guest.wait(client.send_raw(list(id) + "\n"))?;
    }
    let mut open: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    while !open.is_empty() {
        let (id, success) =
            guest.message(&mut events, "a good command's answer", |message| match message {
                GuestMessage::Response(response) if ids.contains(&response.id) => {
                    Some((response.id.clone(), response.success))
                }
                _ => None,
            })?;
        ensure!(success && open.remove(id.as_str()), "{id} failed, or was answered twice");
    }
    let after = cost::of_agent(guest)?;
    let grown = after.peak_kb.saturating_sub(before.rss_kb);
    println!(
        "memory: {} kB before, {} kB at the peak, {} kB after",
        before.rss_kb, after.peak_kb, after.rss_kb
    );
    ensure!(grown <= GROWTH_MAX_KB, "the peak is {grown} kB above what it was");
    equal("the agent's process", guest.agent_pid()?, pid)
}

fn deep(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let id = client.new_id();
        let start = format!(
            r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":"ProcessList"}},"params":"#
        );
        let mut events = client.subscribe();
        amid_good_commands(guest, client, (start + &"[".repeat(1_000_000) + "\n").into_bytes())?;
        let answer = guest.message(&mut events, "the answer to the deep one", |message| match message {
            GuestMessage::Response(response) if response.id == id => Some(response.clone()),
            _ => None,
        })?;
        equal("code", answer.error_code, Some(ErrorCode::InvalidJson))?;
        ensure!(
            answer.error.is_some_and(|error| error.contains("recursion limit")),
            "it says not what is wrong"
        );
        Ok(())
    })
}

fn endless(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let mut events = client.subscribe();
        let mut line = vec![b'x'; 64 << 20];
        line.push(b'\n');
        amid_good_commands(guest, client, line)?;
        let mut errors = 0;
        while let Some(event) = events.try_next() {
            if let Some(GuestMessage::Error(error)) = event.message() {
                equal("code", error.error_code, ErrorCode::MessageTooLarge)?;
                errors += 1;
            }
        }
        equal("answers to the long line", errors, 1)
    })
}

/// The journal has each line: by a record of its own, or in the number of those beyond.
fn tiny(guest: &Guest) -> Result<()> {
    const LINES: u64 = 100_000;
    let cursor = "journalctl --sync; journalctl -b -u infiniservice -n 1 -o json --no-pager | sed 's/.*__CURSOR\" *: *\"\\([^\"]*\\)\".*/\\1/'";
    let cursor = guest.sh(cursor)?;
    with_host(guest, |client| {
        let mut events = client.subscribe();
        amid_good_commands(guest, client, "x\n{}\n".repeat(LINES as usize / 2).into_bytes())?;
        let mut errors = 0;
        while let Some(event) = events.try_next() {
            errors += u64::from(matches!(event.message(), Some(GuestMessage::Error(_))));
        }
        println!("{errors} of {LINES} bad lines were answered");
        ensure!((1..LINES / 10).contains(&errors), "{errors} answers");
        guest.wait(client.ping(TIMEOUT)).map(drop).map_err(Into::into)
    })?;
    // The host has gone: what had no record of its own is told by its number now.
    guest.until("each of the lines is in the journal", |guest| {
        let (single, beyond) = audited(guest, &cursor)?;
        println!("{single} records of single lines, {beyond} lines in numbers");
        ensure!(single <= 100, "{single} records are a flood");
        Ok(single + beyond == LINES)
    })
}

/// How many lines the audit told one by one since `cursor`, and how many by their number.
fn audited(guest: &Guest, cursor: &str) -> Result<(u64, u64)> {
    let script = format!(
        "journalctl --sync; journalctl -b -u infiniservice --after-cursor='{cursor}' -o json --no-pager"
    );
    let (mut single, mut beyond) = (0, 0);
    for line in guest.sh(&script)?.lines().filter(|line| line.starts_with('{')) {
        let record: Value = serde_json::from_str(line).context("a record of the journal")?;
        let field = |name: &str| record.get(format!("INFINISERVICE_{name}")).and_then(Value::as_str);
        match field("SUBJECT") {
            Some("line") => single += 1,
            Some("more lines") => beyond += field("LINES").context("no number")?.parse::<u64>()?,
            _ => {}
        }
    }
    Ok((single, beyond))
}

fn wrong_types(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        for (command, parameter) in [
            (json!({"action": "ServiceControl", "service": 5, "operation": "status"}), "service"),
            (json!({"action": "ServiceControl", "service": "dbus", "operation": ["status"]}), "operation"),
            (json!({"action": "ServiceList", "state": {}}), "state"),
            (json!({"action": "ProcessList", "limit": "all"}), "limit"),
            (json!({"action": "ProcessList", "limit": -1}), "limit"),
            (json!({"action": "ProcessList", "limit": 1e300}), "limit"),
            (json!({"action": "ProcessKill", "pid": u64::MAX}), "pid"),
            (json!({"action": "ProcessKill", "pid": 2_000_000_000, "force": "yes"}), "force"),
            (json!({"action": "PackageInstall", "package": {"name": "x"}}), "package"),
            (json!({"action": "DiskCleanup", "targets": "temp"}), "targets"),
            (json!({"action": "Autochecks", "checks": 3}), "checks"),
        ] {
            let response = answer_to(guest, client, json!({"type": "SafeCommand", "command_type": command}))?;
            equal(&command.to_string(), response.error_code, Some(ErrorCode::InvalidParameter))?;
            let error = response.error.unwrap_or_default();
            ensure!(error.contains(parameter), "{command}: {parameter} is not named: {error}");
        }
        Ok(())
    })
}
