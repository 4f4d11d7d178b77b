//! Commands over COM1: what the host gets of a Windows, as far as Wine is one.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::{Agent, Windows};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::guest::Response;
use serde_json::{Value, json};
use std::fs;

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("commands::metrics_have_memory_processes_and_services", metrics),
    ("commands::services_and_processes_are_listed", lists),
    ("commands::an_application_of_the_registry_is_in_the_inventory", inventory),
    ("commands::autochecks_give_a_verdict", autochecks),
    ("commands::cleanup_removes_a_temporary_file_and_leaves_it_in_a_dry_run", cleanup),
    ("commands::raw_commands_run_where_they_are_allowed", raw),
    ("commands::texts_of_several_lines_and_of_any_length_run_from_a_file_that_is_gone_afterwards", texts),
    ("commands::scripts_run_where_they_are_allowed", scripts),
    ("commands::a_template_is_refused_where_windows_has_no_sysprep_and_the_agent_goes_on", sealing),
];

/// The data of a command that has to succeed.
pub(crate) fn data(agent: &Agent<'_>, command: &Value) -> Result<Value> {
    let id = agent.client()?.new_id();
    let line = json!({"type": "SafeCommand", "id": id, "command_type": command}).to_string();
    let answer = agent.answer_to(&id, &line)?;
    ensure!(answer.success, "{answer:?}");
    Ok(answer.data)
}

fn metrics(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let metrics = windows.wait(agent.client()?.metrics(TIMEOUT))?;
    let (data, failed) = (&metrics.data, &metrics.collection.failed);
    ensure!(data.system.memory.total_kb > 0, "no memory; failed: {failed:?}");
    let own = data.processes.iter().any(|process| process.name.eq_ignore_ascii_case("infiniservice.exe"));
    ensure!(own, "the agent is not among the processes; failed: {failed:?}");
    ensure!(!data.services.is_empty(), "no services; failed: {failed:?}");
    Ok(())
}

fn lists(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let services = data(&agent, &json!({"action": "ServiceList"}))?;
    let services = services.as_array().context("a list of services")?;
    ensure!(services.iter().any(|service| service["status"] == "running"), "none runs: {services:?}");
    let processes = data(&agent, &json!({"action": "ProcessList", "filter": "infiniservice"}))?;
    ensure!(processes["processes"][0]["pid"].as_u64() > Some(0), "{processes}");
    Ok(())
}

fn inventory(windows: &Windows) -> Result<()> {
    let key = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\InfiniTest";
    for (name, value) in [
        ("DisplayName", "Infinite Test"),
        ("DisplayVersion", "4.2"),
        ("Publisher", "Nobody"),
        ("UninstallString", "none.exe"),
    ] {
        windows.prefix.run("reg", &["add", key, "/v", name, "/d", value, "/f"])?;
    }
    let agent = windows.start(&[])?;
    let found = data(&agent, &json!({"action": "ApplicationInventory", "filter": "Infinite"}))?;
    windows.prefix.run("reg", &["delete", key, "/f"])?;
    let application = &found["applications"][0];
    let told = [&application["name"], &application["version"], &application["publisher"]];
    ensure!(told == ["Infinite Test", "4.2", "Nobody"], "{found}");
    Ok(())
}

fn autochecks(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let found = data(&agent, &json!({"action": "Autochecks"}))?;
    let checks = found["checks"].as_array().context("a list of checks")?;
    ensure!(checks.iter().any(|check| check["status"] == "passed"), "{found}");
    let silent =
        |check: &&Value| check["status"] == "skipped" && check["message"].as_str().is_none_or(str::is_empty);
    ensure!(checks.iter().find(silent).is_none(), "one was skipped without a reason: {found}");
    Ok(())
}

fn cleanup(windows: &Windows) -> Result<()> {
    let file = windows.prefix.drive_c().join("windows/temp/infiniservice-test.tmp");
    fs::create_dir_all(file.parent().context("a directory")?)?;
    fs::write(&file, vec![b'x'; 4096])?;
    let agent = windows.start(&[])?;
    let command = |dry_run: bool| json!({"action": "DiskCleanup", "targets": ["temp"], "older_than_days": 0, "dry_run": dry_run});
    let counted = data(&agent, &command(true))?;
    ensure!(counted["files_deleted"].as_u64() > Some(0) && file.exists(), "{counted}");
    let cleaned = data(&agent, &command(false))?;
    ensure!(cleaned["files_deleted"].as_u64() > Some(0) && !file.exists(), "{cleaned}");
    Ok(())
}

fn raw(windows: &Windows) -> Result<()> {
    let agent = windows.start(&["--allow-unsafe-commands"])?;
    let command = json!({"type": "UnsafeCommand", "id": "raw-2", "raw_command": "echo %OS%& exit /b 3", "shell": "cmd"});
    let answer = agent.answer_to("raw-2", &command.to_string())?;
    ensure!(answer.stdout.trim() == "Windows_NT" && answer.exit_code == Some(3), "{answer:?}");
    Ok(())
}

fn texts(windows: &Windows) -> Result<()> {
    let agent = windows.start(&["--allow-unsafe-commands"])?;
    let long = format!("{}echo long", "rem padding\r\n".repeat(10_000));
    for (id, text, stdout, code) in [
        ("lines", "echo one\r\necho two\r\nexit /b 7", "one\r\ntwo\r\n", 7),
        ("long", long.as_str(), "long\r\n", 0),
        ("negative", "rem\r\nexit -1073741510", "", -1_073_741_510),
        ("where", "rem\r\nif exist %~f0 exit /b 5", "", 5),
    ] {
        let command = json!({"type": "UnsafeCommand", "id": id, "raw_command": text, "shell": "cmd"});
        let answer = agent.answer_to(id, &command.to_string())?;
        let stderr = &answer.stderr;
        ensure!(answer.exit_code == Some(code), "{id}: {:?} {stderr:.300}", answer.exit_code);
        ensure!(answer.stdout == stdout, "{id}: {:?}", answer.stdout);
    }
    let left = windows.prefix.run("cmd", &["/c", r"dir /b C:\ProgramData\InfiniService\run"])?;
    ensure!(left.trim().is_empty(), "left: {left}");
    Ok(())
}

fn scripts(windows: &Windows) -> Result<()> {
    let agent = windows.start(&["--set", "allow_scripts=true"])?;
    let script = "echo hello\r\nexit /b 4";
    data(&agent, &json!({"action": "ScriptRun", "execution_id": "wine-1", "script": script}))?;
    let asked = json!({"action": "ScriptStatus", "execution_id": "wine-1"});
    let end = std::time::Instant::now() + TIMEOUT;
    loop {
        let status = data(&agent, &asked)?;
        let script = &status["scripts"][0];
        if script["state"] == "ended" {
            ensure!(script["exit_code"] == 4, "{status}");
            break;
        }
        ensure!(std::time::Instant::now() < end, "it does not end: {status}");
    }
    data(&agent, &json!({"action": "ScriptRemove", "execution_id": "wine-1"})).map(drop)
}

/// The answer to a command that has to fail.
fn refusal(agent: &Agent<'_>, id: &str, command: &Value) -> Result<Response> {
    let line = json!({"type": "SafeCommand", "id": id, "command_type": command}).to_string();
    let answer = agent.answer_to(id, &line)?;
    ensure!(!answer.success, "{answer:?}");
    Ok(answer)
}

fn sealing(windows: &Windows) -> Result<()> {
    let agent = windows.start(&["--set", "allow_seal=true"])?;
    let seal = json!({"action": "PrepareGoldenImage", "cleanup_level": "minimal"});
    let answer = refusal(&agent, "seal-1", &seal)?;
    let why = answer.error.unwrap_or_default();
    ensure!(answer.error_code == Some(ErrorCode::Unsupported) && why.contains("sysprep.exe"), "{why}");
    // Nothing was sealed, so commands are taken as before.
    data(&agent, &json!({"action": "ServiceList"})).map(drop)
}
