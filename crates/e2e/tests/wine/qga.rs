//! The agent as the QEMU guest agent of a Windows guest, on a second COM port beside that of its own host.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::qga::QgaHost;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("qga::answers_each_command_that_reads_beside_the_agents_own_host", reads),
    ("qga::lists_what_windows_has_and_refuses_the_rest_as_unknown", lists),
    ("qga::runs_programs_and_opens_files_where_the_operator_allows_it", programs_and_files),
];

const LISTS: [&str; 7] = [
    "guest-get-users",
    "guest-get-vcpus",
    "guest-network-get-interfaces",
    "guest-network-get-route",
    "guest-get-fsinfo",
    "guest-get-disks",
    "guest-get-devices",
];

fn ask(host: &mut QgaHost, command: &str) -> Result<Value> {
    host.told(command, &Value::Null)
}

/// How far the two clocks, which are one, may be apart: the answer takes its time.
const CLOCKS_APART: Duration = Duration::from_mins(1);

fn reads(windows: &Windows) -> Result<()> {
    let (agent, mut host) = windows.start_with_qga(&[])?;
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    for command in LISTS {
        let told = ask(&mut host, command)?;
        ensure!(told.is_array(), "{command}: {told}");
    }
    let time = ask(&mut host, "guest-get-time")?.as_u64().context("a number")?;
    let own = SystemTime::now().duration_since(UNIX_EPOCH)?;
    ensure!(own.abs_diff(Duration::from_nanos(time)) < CLOCKS_APART, "{time}");
    let os = ask(&mut host, "guest-get-osinfo")?;
    ensure!(os["id"] == "mswindows" && os["version-id"] == "10" && os["machine"] == "x86_64", "{os}");
    let name = ask(&mut host, "guest-get-host-name")?;
    ensure!(name["host-name"].as_str().is_some_and(|name| !name.is_empty()), "{name}");
    ensure!(ask(&mut host, "guest-get-timezone")?["offset"].is_i64(), "no offset");
    ensure!(ask(&mut host, "guest-get-vcpus")?[0]["online"] == true, "no processor");
    looks_around(&mut host)?;
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    Ok(())
}

/// The loopback and drive C are in every Windows, also in Wine's.
fn looks_around(host: &mut QgaHost) -> Result<()> {
    let interfaces = ask(host, "guest-network-get-interfaces")?;
    let addresses =
        interfaces.as_array().into_iter().flatten().filter_map(|one| one["ip-addresses"].as_array());
    ensure!(addresses.flatten().any(|one| one["ip-address"] == "127.0.0.1"), "{interfaces}");
    let volumes = ask(host, "guest-get-fsinfo")?;
    let c = volumes.as_array().into_iter().flatten().find(|one| one["mountpoint"] == r"C:\");
    let c = c.with_context(|| format!("no C: in {volumes}"))?;
    ensure!(c["name"].as_str().is_some_and(|name| name.starts_with(r"\\?\Volume{")), "{c}");
    ensure!(c["disk"].is_array() && c["total-bytes"].as_u64() >= c["used-bytes"].as_u64(), "{c}");
    Ok(())
}

fn lists(windows: &Windows) -> Result<()> {
    let (_agent, mut host) = windows.start_with_qga(&[])?;
    let info = ask(&mut host, "guest-info")?;
    let commands = info["supported_commands"].as_array().context("a list")?;
    let enabled = |name: &str| Some(commands.iter().find(|one| one["name"] == name)?["enabled"] == true);
    for name in LISTS.iter().chain(&["guest-shutdown", "guest-set-time", "guest-fstrim", "guest-suspend-ram"])
    {
        ensure!(enabled(name) == Some(true), "{name}: {info}");
    }
    for name in ["guest-exec", "guest-file-open", "guest-set-user-password"] {
        ensure!(enabled(name) == Some(false), "{name}: {info}");
    }
    for name in ["guest-fsfreeze-status", "guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-set-vcpus"] {
        ensure!(enabled(name).is_none(), "{name}: {info}");
    }
    for name in ["guest-fsfreeze-status", "guest-get-load", "guest-suspend-hybrid", "guest-exec"] {
        let refused = host.ask(name, &Value::Null)?;
        ensure!(refused["error"]["class"] == "CommandNotFound", "{name}: {refused}");
    }
    Ok(())
}

const ALLOWED: [&str; 6] =
    ["--set", "qga_allow_exec=true", "--set", "qga_allow_files=true", "--set", "qga_allow_passwords=true"];

/// `@echo hello> C:\test\said.txt`, `exit`, as cmd reads lines.
const LINES: &str = "QGVjaG8gaGVsbG8+IEM6XHRlc3Rcc2FpZC50eHQNCmV4aXQNCg==";

/// What became of a program, once it has ended.
fn ran(windows: &Windows, host: &mut QgaHost, exec: &Value) -> Result<Value> {
    let pid = host.told("guest-exec", exec)?["pid"].clone();
    let mut status = Value::Null;
    windows.until("the program ends", || {
        status = host.told("guest-exec-status", &json!({ "pid": pid }))?;
        Ok(status["exited"] == true)
    })?;
    Ok(status)
}

fn programs_and_files(windows: &Windows) -> Result<()> {
    let (_agent, mut host) = windows.start_with_qga(&ALLOWED)?;
    let exec = json!({ "path": "cmd", "arg": ["/q"], "input-data": LINES, "capture-output": true });
    let status = ran(windows, &mut host, &exec)?;
    let said = fs::read_to_string(windows.prefix.drive_c().join("test/said.txt"));
    ensure!(said.is_ok_and(|said| said.trim() == "hello"), "it did not read its input: {status}");
    let status = ran(windows, &mut host, &json!({ "path": "cmd", "arg": ["/c", "exit", "3"] }))?;
    ensure!(status == json!({ "exited": true, "exitcode": 3 }), "{status}");
    let merged = host.ask("guest-exec", &json!({ "path": "cmd", "capture-output": "merged" }))?;
    ensure!(merged["error"]["class"] == "GenericError", "{merged}");

    let open = json!({ "path": r"C:\test\qga.txt", "mode": "w+" });
    let handle = host.told("guest-file-open", &open)?;
    host.told("guest-file-write", &json!({ "handle": handle, "buf-b64": "aGVsbG8=" }))?;
    host.told("guest-file-seek", &json!({ "handle": handle, "offset": 1, "whence": "set" }))?;
    let read = host.told("guest-file-read", &json!({ "handle": handle, "count": 3 }))?;
    ensure!(read["buf-b64"] == "ZWxs" && read["count"] == 3, "{read}");
    host.told("guest-file-close", &json!({ "handle": handle }))?;

    let password = json!({ "username": "x", "password": "eA==", "crypted": true });
    let refused = host.ask("guest-set-user-password", &password)?;
    ensure!(refused["error"]["desc"] == "'crypted' must be off on this host", "{refused}");
    Ok(())
}
