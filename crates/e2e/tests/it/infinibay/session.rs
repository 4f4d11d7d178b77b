//! Sections 3 to 6: first lines, who leads the keep-alive, the locked state, errors.

use super::host::Host;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

fn kinds(host: &Host) -> Vec<&str> {
    host.heard.iter().filter_map(|line| line["type"].as_str()).collect()
}

#[test]
fn a_connection_begins_with_who_the_agent_is_and_metrics_whose_processor_is_no_false_zero() -> Result<()> {
    let mut host = Host::start("vm_id = \"8c1f\"\n")?;
    let metrics = host.next("metrics")?;
    let ready = &host.heard[0];
    ensure!(
        ready["type"] == "agent_event" && ready["severity"] == "info" && ready["source"] == "agent",
        "{ready}"
    );
    let context = &ready["context"];
    let told = ["version", "platform", "vm_id", "profile", "commands"].map(|name| context[name].as_str());
    ensure!(told[1..] == [Some("linux"), Some("8c1f"), Some("infinibay"), Some("open")], "{context}");
    let system = &metrics["data"]["system"];
    for part in ["cpu", "memory", "disk", "network"] {
        ensure!(system[part].is_object(), "{part}: {system}");
    }
    for field in ["readBytes", "writeBytes", "io_utilization_percent"] {
        ensure!(system["disk"]["io_stats"][field].is_number(), "{field}: {system}");
    }
    ensure!(system["network"]["interfaces"].is_array() && system["uptime_seconds"].is_u64(), "{system}");
    ensure!(metrics["data"].get("services").is_none(), "services are not sent");
    let cold = metrics["collection"]["failed"]
        .as_array()
        .is_some_and(|failed| failed.iter().any(|failed| failed["collector"] == "cpu"));
    ensure!(!cold, "the processor's share was not measured yet");
    for process in metrics["data"]["processes"].as_array().into_iter().flatten() {
        for field in ["pid", "name", "cpu_percent", "memory_kb", "status"] {
            ensure!(!process[field].is_null(), "{field}: {process}");
        }
    }
    for port in metrics["data"]["ports"].as_array().into_iter().flatten() {
        for field in ["port", "protocol", "state", "is_listening", "connection_count"] {
            ensure!(!port[field].is_null(), "{field}: {port}");
        }
    }
    Ok(())
}

#[test]
fn the_host_leads_the_keep_alive_and_its_silence_costs_nothing() -> Result<()> {
    let mut host = Host::start(
        "keep_alive_interval_secs = 1\nkeep_alive_timeout_secs = 1\ncollection_interval_secs = 1\n",
    )?;
    for _ in 0..6 {
        host.next("metrics")?;
    }
    ensure!(!kinds(&host).contains(&"keep_alive"), "unasked: {:?}", kinds(&host));
    host.send(&json!({"type": "keep_alive_request", "sequence_number": 4711, "timestamp": "2026-11-29T18:00:00.000Z"}))?;
    ensure!(host.next("keep_alive")?["sequence_number"] == 4711);
    host.send(&json!({"type": "keep_alive_response", "sequence_number": 4711, "timestamp": "2026-11-29T18:00:00.000Z"}))?;
    host.next("metrics")?;
    let log = host.agent.log()?;
    ensure!(!log.contains("reconnect") && log.matches("is open").count() == 1, "{log}");
    Ok(())
}

#[test]
fn locked_without_a_secret_it_reports_and_carries_out_nothing() -> Result<()> {
    let mut host = Host::start_with("collection_interval_secs = 1\nallow_unsafe_commands = true\n")?;
    host.next("metrics")?;
    let plain =
        json!({"type": "SafeCommand", "id": "p", "command_type": {"action": "ProcessList"}, "timeout": 30});
    host.send_raw(format!("{plain}\n").as_bytes())?;
    let signed = host.begin("ProcessList", json!({}), 30)?;
    let raw = json!({"type": "UnsafeCommand", "id": "u", "raw_command": "echo hi", "timeout": 30});
    host.send_raw(format!("{raw}\n").as_bytes())?;
    host.send(&json!({"type": "keep_alive_request", "sequence_number": 9, "timestamp": "t"}))?;
    host.next("keep_alive")?;
    for _ in 0..3 {
        host.next("metrics")?;
    }
    ensure!(!kinds(&host).contains(&"response"), "{signed} was answered");
    let warnings: Vec<&Value> = host.heard.iter().filter(|line| line["severity"] == "warn").collect();
    ensure!(
        warnings.len() == 1 && warnings[0]["message"] == "no shared secret: commands are not taken",
        "{warnings:?}"
    );
    ensure!(host.heard[0]["context"]["commands"] == "locked");
    ensure!(kinds(&host).iter().filter(|kind| **kind == "error").count() <= 1);
    Ok(())
}

#[test]
fn bad_lines_are_answered_by_one_error_a_minute_for_each_code() -> Result<()> {
    let mut host = Host::start("")?;
    host.next("metrics")?;
    for _ in 0..20 {
        host.send(&json!({"type": "nonsense"}))?;
        host.send_raw(b"noise\n")?;
    }
    host.ask("ProcessTop", json!({}), 30)?;
    let codes: Vec<_> = host
        .heard
        .iter()
        .filter(|line| line["type"] == "error")
        .map(|line| line["error_code"].as_str())
        .collect();
    ensure!(codes.len() == 2, "{codes:?}");
    Ok(())
}

#[test]
fn scripts_are_completed_at_once_as_not_run_however_many_and_long_they_are() -> Result<()> {
    let mut host = Host::start("")?;
    host.next("metrics")?;
    let script = |id: &str, content: String| {
        json!({
            "execution_id": id, "script_id": "s", "script_name": "n", "script_content": content, "shell": "BASH",
            "execution_type": "ON_DEMAND", "input_values": {}, "timeout_seconds": 600, "run_as": null,
        })
    };
    let long = script("long", "x".repeat(5 << 20));
    host.send(&json!({"type": "pending_scripts_response", "timestamp": "t", "scripts": [script("short", "id".into()), long]}))?;
    for id in ["short", "long"] {
        let completion = host.next("script_completion")?;
        ensure!(completion["execution_id"] == id && completion["exit_code"] == 126, "{completion}");
        ensure!(
            completion["stderr"].as_str().is_some_and(|why| !why.is_empty()) && completion["stdout"] == "",
            "{completion}"
        );
    }
    Ok(())
}

#[test]
fn either_name_of_an_action_blocks_it_and_the_hosts_is_told() -> Result<()> {
    let mut host = Host::start("blocked_actions = [\"CheckDiskSpace\", \"Autochecks\", \"ProcessTop\"]\n")?;
    host.next("metrics")?;
    for action in ["CheckDiskSpace", "RunAllHealthChecks", "ProcessTop"] {
        let answer = host.ask(action, json!({}), 30)?;
        ensure!(answer["error_code"] == "ACTION_BLOCKED", "{answer}");
        ensure!(
            answer["error"]
                .as_str()
                .is_some_and(|error| error.starts_with("ACTION_BLOCKED: ") && error.contains(action)),
            "{answer}"
        );
    }
    ensure!(host.ask("ProcessList", json!({"limit": 1}), 30)?["success"] == true);
    Ok(())
}

#[test]
fn unsigned_lines_are_taken_for_tests_only_and_then_nothing_dangerous() -> Result<()> {
    let mut host = Host::start_with("allow_unsigned = true\nallow_unsafe_commands = true\n")?;
    host.next("metrics")?;
    for (id, line) in [
        ("ok", json!({"type": "SafeCommand", "command_type": {"action": "ProcessTop"}, "timeout": 30})),
        ("reboot", json!({"type": "SafeCommand", "command_type": {"action": "RebootSystem"}, "timeout": 30})),
        ("raw", json!({"type": "UnsafeCommand", "raw_command": "echo hi", "timeout": 30})),
    ] {
        let mut line = line;
        line["id"] = id.into();
        host.send_raw(format!("{line}\n").as_bytes())?;
        let answer = host.answer(id)?;
        ensure!((answer["success"] == true) == (id == "ok"), "{answer}");
        ensure!(id == "ok" || answer["error_code"] == "SIGNATURE_INVALID", "{answer}");
    }
    ensure!(host.agent.log()?.contains("NOBODY HAS SIGNED"));
    Ok(())
}
