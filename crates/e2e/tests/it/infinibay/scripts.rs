//! Section 9, and what of section 10 needs a file: scripts that the host keeps for this machine.

use super::host::{Host, SECRET};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// An agent that runs scripts and keeps them in this directory.
fn allowed(place: &Path, more: &str) -> Result<Host> {
    let mut host = unread(place, more)?;
    host.next("metrics")?;
    Ok(host)
}

/// The same, of which nothing was read yet: what is left to tell comes before the metrics.
fn unread(place: &Path, more: &str) -> Result<Host> {
    let place = place.join("scripts");
    Host::start(&format!("allow_scripts = true\nscripts_dir = \"{}\"\n{more}", place.display()))
}

fn place() -> Result<TempDir> {
    Ok(tempfile::tempdir()?)
}

fn script(id: &str, content: &str) -> Value {
    json!({
        "execution_id": id, "script_id": "s", "script_name": "set up", "script_content": content, "shell": "BASH",
        "execution_type": "FIRST_BOOT", "input_values": {"password": "k1"}, "timeout_seconds": 600, "run_as": null,
    })
}

fn with(mut script: Value, field: &str, value: Value) -> Value {
    script[field] = value;
    script
}

fn send(host: &mut Host, scripts: &[Value]) -> Result<()> {
    host.send(&json!({"type": "pending_scripts_response", "timestamp": "t", "scripts": scripts}))
}

/// The next completion, which is of this execution: its code and both its streams.
fn completion(host: &mut Host, id: &str) -> Result<(i64, String, String)> {
    let line = host.next("script_completion")?;
    ensure!(line["execution_id"] == id && line.get("log_file").is_none(), "not of {id}: {line}");
    let text = |name: &str| line[name].as_str().map(str::to_owned).context("a text");
    Ok((line["exit_code"].as_i64().context("exit_code")?, text("stdout")?, text("stderr")?))
}

#[test]
fn the_host_is_asked_after_the_metrics_and_its_scripts_run_in_their_order_and_are_told() -> Result<()> {
    let place = place()?;
    let mut host = allowed(place.path(), "vm_id = \"8c1f\"\n")?;
    let request = host.next("request_pending_scripts")?;
    ensure!(request["vm_id"] == "8c1f", "{request}");
    let moment = request["request_timestamp"].as_str().unwrap_or_default();
    ensure!(moment.len() == 24 && moment.ends_with('Z'), "{request}");
    let told = place.path().join("told");
    let first = format!("echo one >> {0}; printf out; printf err >&2; exit 3", told.display());
    let second = format!("cat {0}; id -u; tr '\\0' ' ' < /proc/$$/cmdline | grep -c k2", told.display());
    let second = with(script("b", &second), "run_as", json!("Administrator"));
    send(&mut host, &[script("a", &first), second.clone(), second])?;
    ensure!(completion(&mut host, "a")? == (3, "out".into(), "err".into()));
    let (code, stdout, _) = completion(&mut host, "b")?;
    ensure!((code, stdout.as_str()) == (1, "one\n0\n0\n"), "{stdout:?}");
    let events = host.heard.iter().filter(|line| line["executionId"] == "a");
    let events: Vec<_> = events.filter_map(|line| line["message"].as_str()).collect();
    ensure!(events.len() == 2 && events[0].contains("started") && events[1].contains("code 3"), "{events:?}");
    // The same execution once more is a new run: its completion has left.
    send(&mut host, &[script("a", "echo again")])?;
    ensure!(completion(&mut host, "a")? == (0, "again\n".into(), String::new()));
    let log = host.agent.log()?;
    ensure!(
        !log.contains("k1") && !log.contains("echo again"),
        "a script or its inputs are in the log: {log}"
    );
    Ok(())
}

#[test]
fn each_end_has_its_exit_code_and_its_reason() -> Result<()> {
    let place = place()?;
    let mut host = allowed(place.path(), "")?;
    let flood = "head -c 400000 /dev/zero | tr '\\0' x";
    send(
        &mut host,
        &[
            with(script("slow", "echo begun; sleep 1000"), "timeout_seconds", json!(1)),
            script("killed", "kill -9 $$"),
            with(script("nobody", "id"), "run_as", json!("nosuchuser")),
            script("flood", flood),
            script("empty", ""),
            with(script("elsewhere", "dir"), "shell", json!("POWERSHELL")),
        ],
    )?;
    let mut ends = std::collections::BTreeMap::new();
    for _ in 0..6 {
        let line = host.next("script_completion")?;
        ends.insert(line["execution_id"].as_str().unwrap_or_default().to_owned(), line);
    }
    for (id, code, reason) in [
        ("slow", 124, "did not end within 1 s"),
        ("killed", 137, "signal 9"),
        ("nobody", 127, "nosuchuser"),
        ("flood", 0, ""),
        ("empty", 0, ""),
        ("elsewhere", 126, "Windows only"),
    ] {
        let end = &ends[id];
        ensure!(end["exit_code"] == code, "{id}: {end:.300}");
        ensure!(end["stderr"].as_str().is_some_and(|text| text.contains(reason)), "{id}: {end:.300}");
    }
    ensure!(ends["slow"]["stdout"] == "begun\n", "what it wrote until then is told");
    let flood = ends["flood"]["stdout"].as_str().unwrap_or_default();
    ensure!(flood.len() < 300_000 && flood.ends_with("[cut: it wrote 400000 bytes]"), "{}", flood.len());
    Ok(())
}

#[test]
fn an_agent_that_is_killed_runs_what_had_not_begun_and_tells_what_had_as_interrupted() -> Result<()> {
    let place = place()?;
    let runs = place.path().join("runs");
    let mut host = allowed(place.path(), "")?;
    let begun = format!("echo a >> {}; sleep 300", runs.display());
    let after = format!("echo b >> {}", runs.display());
    send(&mut host, &[script("a", &begun), script("b", &after)])?;
    host.read_until("the beginning", |line| line["executionId"] == "a")?;
    while !runs.exists() {
        host.ask("ProcessTop", json!({}), 30)?;
    }
    drop(host);
    let mut host = unread(place.path(), "")?;
    let (code, _, stderr) = completion(&mut host, "a")?;
    ensure!((code, stderr.as_str()) == (1, "interrupted by a restart; not run again"), "{code} {stderr}");
    ensure!(completion(&mut host, "b")?.0 == 0);
    ensure!(std::fs::read_to_string(&runs)? == "a\nb\n", "each ran once");
    drop(host);
    // Nothing is told, and nothing is run, a second time.
    let mut host = allowed(place.path(), "")?;
    send(&mut host, &[script("c", "true")])?;
    completion(&mut host, "c").map(drop)
}

#[test]
fn a_line_of_12_mib_is_taken_and_one_of_17_is_told_to_be_lost() -> Result<()> {
    let place = place()?;
    let mut host = allowed(place.path(), "")?;
    let long = format!("wc -c < \"$0\"\nexit 0\n{}", "# padding\n".repeat((12 << 20) / 11));
    send(&mut host, &[script("long", &long), script("short", "echo short")])?;
    ensure!(completion(&mut host, "long")? == (0, format!("{}\n", long.len()), String::new()));
    ensure!(completion(&mut host, "short")?.1 == "short\n");
    send(&mut host, &[script("lost", &"x".repeat(17 << 20))])?;
    let event = host.read_until("the loss", |line| line["severity"] == "error")?;
    ensure!(event["message"].as_str().is_some_and(|text| text.contains("too long")), "{event}");
    Ok(())
}

#[test]
fn what_may_not_run_is_completed_at_once_with_126_and_the_reason() -> Result<()> {
    let place = place()?;
    let mark = place.path().join("mark");
    let touch = format!("touch {}", mark.display());
    let signed = format!("shared_secret = \"{SECRET}\"\n");
    let blocked = format!("{signed}allow_scripts = true\nblocked_actions = [\"ScriptRun\"]\n");
    for (config, reason) in [
        (signed.as_str(), "allow_scripts"),
        (blocked.as_str(), "blocked_actions"),
        ("allow_scripts = true\n", "no shared secret"),
        ("allow_scripts = true\nallow_unsigned = true\n", "signed lines only"),
    ] {
        let mut host = Host::start_with(config)?;
        host.next("metrics")?;
        let line =
            json!({"type": "pending_scripts_response", "timestamp": "t", "scripts": [script("x", &touch)]});
        match reason {
            "signed lines only" => host.send_raw(format!("{line}\n").as_bytes())?,
            _ => host.send(&line)?,
        }
        let (code, _, stderr) = completion(&mut host, "x")?;
        ensure!(code == 126 && stderr.contains(reason), "{reason}: {code} {stderr}");
        ensure!(!host.heard.iter().any(|line| line["type"] == "request_pending_scripts"), "{reason}");
    }
    ensure!(!mark.exists(), "it was run");
    Ok(())
}

#[test]
fn a_raw_command_of_any_length_runs_and_leaves_no_file() -> Result<()> {
    let mut host = Host::start("allow_unsafe_commands = true\n")?;
    host.next("metrics")?;
    let long = format!("{}printf '%s' \"$0\"", "# padding\n".repeat(40_000));
    for account in [Value::Null, json!("root")] {
        let answer = host.raw(json!({"raw_command": long, "run_as": account}))?;
        ensure!(answer["success"] == true && answer["data"].is_null(), "{answer}");
        let path = answer["stdout"].as_str().unwrap_or_default();
        ensure!(path.starts_with('/') && !Path::new(path).exists(), "{path}");
    }
    let answer = host.raw(json!({"raw_command": "printf 1\nprintf 2", "shell": "SH"}))?;
    ensure!(answer["stdout"] == "12", "{answer}");
    Ok(())
}

#[test]
fn powershell_is_told_to_be_of_windows_whatever_comes_with_it() -> Result<()> {
    let mut host = Host::start("allow_unsafe_commands = true\n")?;
    host.next("metrics")?;
    let parameters = json!({"script": "Get-Date", "script_type": "inline", "run_as_admin": true});
    let answer = host.ask("ExecutePowerShellScript", parameters, 120)?;
    ensure!(answer["error_code"] == "UNSUPPORTED", "{answer}");
    ensure!(answer["error"].as_str().is_some_and(|error| error.contains("on Windows only")), "{answer}");
    Ok(())
}
