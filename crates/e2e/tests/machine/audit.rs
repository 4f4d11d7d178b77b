//! What the journal keeps of each command: field by field, found by its action, without secrets.

use crate::support::{answer_to, equal, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::Response;
use serde_json::{Value, json};

pub const SCENARIOS: &[Scenario] = &[
    ("audit::one_record_for_each_command_is_found_by_its_action", recorded),
    ("audit::refused_commands_are_recorded_with_their_code", refused),
    ("audit::lines_that_are_no_commands_are_recorded_with_what_could_be_read_of_them", refused_lines),
    ("audit::secrets_in_a_raw_command_do_not_reach_the_journal", redacted),
];

/// The records of `action` with this id, as `journalctl` finds them.
fn records(guest: &Guest, action: &str, id: &str) -> Result<Vec<Value>> {
    found(guest, &format!("INFINISERVICE_ACTION={action} INFINISERVICE_ID={id}"))
}

/// The one record of an answered command; its figures have to be the answer's.
fn record(guest: &Guest, action: &str, response: &Response) -> Result<Value> {
    let found = records(guest, action, &response.id)?;
    ensure!(found.len() == 1, "{} records of {action} {}: {found:?}", found.len(), response.id);
    let record = found.into_iter().next().context("a record")?;
    let bytes = |text: &str, total: Option<u64>| total.unwrap_or(text.len() as u64);
    let bytes =
        bytes(&response.stdout, response.stdout_bytes) + bytes(&response.stderr, response.stderr_bytes);
    for (name, told) in [
        ("ORIGIN", "host".to_owned()),
        ("RESULT", if response.success { "success" } else { "failure" }.to_owned()),
        ("CODE", response.error_code.map_or("ok", |code| code.as_str()).to_owned()),
        ("DURATION_MS", response.execution_time_ms.to_string()),
        ("BYTES", bytes.to_string()),
    ] {
        equal(name, text(&record, name), told.as_str())?;
    }
    Ok(record)
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(format!("INFINISERVICE_{name}")).and_then(Value::as_str).unwrap_or_default()
}

fn safe(guest: &Guest, client: &Client, command: &Value) -> Result<Response> {
    answer_to(guest, client, json!({"type": "SafeCommand", "command_type": command}))
}

fn recorded(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let response = safe(guest, client, &json!({"action": "ServiceList"}))?;
        ensure!(response.success, "{response:?}");
        record(guest, "ServiceList", &response).map(drop)
    })
}

fn refused(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let command = json!({"action": "ProcessKill", "pid": 0, "force": true});
        let response = safe(guest, client, &command)?;
        ensure!(!response.success, "{response:?}");
        let kept = record(guest, "ProcessKill", &response)?;
        equal("error", text(&kept, "ERROR"), response.error.as_deref().unwrap_or_default())?;
        let response = raw(guest, client, &json!({"raw_command": "true"}))?;
        ensure!(!response.success, "{response:?}");
        let kept = record(guest, "UnsafeCommand", &response)?;
        equal("code", text(&kept, "CODE"), "UNSAFE_DISABLED")
    })
}

/// The records that `journalctl` finds by these fields.
fn found(guest: &Guest, fields: &str) -> Result<Vec<Value>> {
    let lines = guest
        .sh(&format!("journalctl --sync; journalctl -b -u infiniservice {fields} -o json --no-pager"))?;
    let records = lines.lines().filter(|line| line.starts_with('{'));
    records.map(|line| serde_json::from_str(line).context("a record of the journal")).collect()
}

/// Each has an id of its own or a text in it, by which its record is found.
fn refused_lines(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let (unknown, wrong) = (client.new_id(), client.new_id());
        let lines = [
            "audit-me --token hunter2".to_owned(),
            json!({"type": "Reboot", "id": unknown}).to_string(),
            json!({"type": "SafeCommand", "id": wrong, "command_type": {"action": "ServiceList"}, "timeout": "x"})
                .to_string(),
            "x".repeat(2 << 20),
            String::new(),
        ];
        guest.wait(client.send_raw(lines.join("\n")))?;
        guest.wait(client.ping(TIMEOUT))?;
        for (fields, code, parameters) in [
            (
                "INFINISERVICE_SUBJECT=line INFINISERVICE_CODE=INVALID_JSON".to_owned(),
                "INVALID_JSON",
                "audit-me",
            ),
            (format!("INFINISERVICE_ID={unknown}"), "UNKNOWN_TYPE", ""),
            (
                format!("INFINISERVICE_ID={wrong} INFINISERVICE_ACTION=ServiceList"),
                "INVALID_MESSAGE",
                "timeout",
            ),
            ("INFINISERVICE_CODE=MESSAGE_TOO_LARGE".to_owned(), "MESSAGE_TOO_LARGE", "max_line_bytes"),
        ] {
            let records = found(guest, &fields)?;
            let record = records.iter().rfind(|record| text(record, "PARAMETERS").contains(parameters));
            let record = record.with_context(|| format!("{fields}: only {records:?}"))?;
            for (name, told) in [
                ("SUBJECT", "line"),
                ("CODE", code),
                ("RESULT", "failure"),
                ("ORIGIN", "host"),
                ("DURATION_MS", "0"),
            ] {
                equal(name, text(record, name), told)?;
            }
            ensure!(!text(record, "ERROR").is_empty() && !record.to_string().contains("hunter2"), "{record}");
        }
        Ok(())
    })
}

fn redacted(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let command = json!({
            "raw_command": "echo kept; true --token hunter2a; DB_PASSWORD=hunter2b true",
            "env_vars": {"API_KEY": "hunter2c"},
        });
        let response = raw(guest, client, &command)?;
        ensure!(response.success, "{response:?}");
        let kept = record(guest, "UnsafeCommand", &response)?;
        ensure!(text(&kept, "PARAMETERS").contains("echo kept"), "{kept}");
        ensure!(!kept.to_string().contains("hunter2"), "a secret is kept: {kept}");
        Ok(())
    })
}
