//! What the journal keeps of each command: field by field, found by its action, without secrets.

use crate::support::{answer_to, equal, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::Response;
use serde_json::{Value, json};

pub const SCENARIOS: &[Scenario] = &[
    ("audit::one_record_for_each_command_is_found_by_its_action", recorded),
    ("audit::refused_commands_are_recorded_with_their_code", refused),
    ("audit::secrets_in_a_raw_command_do_not_reach_the_journal", redacted),
];

/// The records of `action` with this id, as `journalctl` finds them.
fn records(guest: &Guest, action: &str, id: &str) -> Result<Vec<Value>> {
    let script = format!(
        "journalctl --sync; journalctl -b -u infiniservice INFINISERVICE_ACTION={action} \
         INFINISERVICE_ID={id} -o json --no-pager"
    );
    let lines = guest.sh(&script)?;
    let records = lines.lines().filter(|line| line.starts_with('{'));
    records.map(|line| serde_json::from_str(line).context("a record of the journal")).collect()
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
