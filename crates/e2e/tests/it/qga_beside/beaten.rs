//! Faults of `qemu-ga` that this agent does not have: each test sees the fault there, and its absence here.

use super::both;
use anyhow::{Result, ensure};
use infiniservice_e2e::qga::QgaHost;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn sync(host: &QgaHost, id: i64) -> Result<()> {
    let request = json!({ "execute": "guest-sync", "arguments": { "id": id } });
    host.write(format!("{request}\n").as_bytes())
}

/// What is returned by the answers until that of a sync with this number; errors are left out.
fn returned_until(host: &mut QgaHost, id: i64) -> Result<Vec<Value>> {
    let mut returned = Vec::new();
    loop {
        let line = host.line()?;
        let line = line.strip_prefix(b"\xff").unwrap_or(&line);
        let answer: Value = serde_json::from_slice(line)?;
        if answer["return"] == id {
            return Ok(returned);
        }
        returned.extend(answer.get("return").cloned());
    }
}

#[test]
fn a_torn_request_makes_qemu_ga_deaf_to_the_next_client_and_this_agent_not() -> Result<()> {
    let Some(mut both) = both("", None)? else { return Ok(()) };
    for (host, expected) in [(&mut both.theirs, vec![]), (&mut both.ours, vec![json!(5)])] {
        host.write(br#"{"execute":"guest-sync","argum"#)?;
        sync(host, 5)?;
        // Only this byte brings qemu-ga back.
        host.write(b"\xff")?;
        sync(host, 6)?;
        ensure!(returned_until(host, 6)? == expected, "{expected:?} is not what came before");
    }
    Ok(())
}

#[test]
fn qemu_ga_tells_of_a_program_once_and_this_agent_also_when_the_line_was_lost() -> Result<()> {
    let Some(mut both) = both("", None)? else { return Ok(()) };
    for (host, again) in [(&mut both.theirs, false), (&mut both.ours, true)] {
        let pid = host.told("guest-exec", &json!({ "path": "/bin/true" }))?["pid"].clone();
        let status = json!({ "pid": pid });
        while host.told("guest-exec-status", &status)?["exited"] == false {}
        let second = host.ask("guest-exec-status", &status)?;
        ensure!(second.get("return").is_some() == again, "{second}");
    }
    Ok(())
}

#[test]
fn a_hook_that_takes_long_holds_up_syncs_of_qemu_ga_and_none_of_this_agent() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (hook, gate) = (directory.path().join("hook"), directory.path().join("gate"));
    fs::write(&hook, format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.1; done\n", gate.display()))?;
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755))?;
    let config = format!("qga_fsfreeze_hook = \"{}\"\n", hook.display());
    let Some(mut both) = both(&config, Some(&hook))? else { return Ok(()) };
    let slow = json!({ "execute": "guest-fsfreeze-freeze-list", "arguments": { "mountpoints": [] } });
    for host in [&both.ours, &both.theirs] {
        host.write(format!("{slow}\n").as_bytes())?;
        sync(host, 7)?;
    }
    // The hooks wait, and this agent's client has its answer.
    ensure!(returned_until(&mut both.ours, 7)?.is_empty(), "an answer of the slow command");
    fs::write(&gate, "")?;
    // The other's had to wait, and gets what nobody waits for any more.
    ensure!(returned_until(&mut both.theirs, 7)? == [json!(0)], "qemu-ga was not held up");
    ensure!(both.ours.told("guest-ping", &Value::Null)? == json!({}), "a late answer");
    Ok(())
}

/// Clock ticks of a process, in user and in system mode (proc(5), `/proc/pid/stat`).
fn ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Ok(fields.filter_map(|field| field.parse::<u64>().ok()).sum())
}

/// Of a processor's 100 a second: more than any answers take.
const SPINNING: u64 = 50;
/// For a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_host_that_does_not_read_costs_qemu_ga_a_processor_and_this_agent_nothing() -> Result<()> {
    let Some(both) = both("", None)? else { return Ok(()) };
    for host in [&both.ours, &both.theirs] {
        // Answers of these fill the terminal many times over.
        host.write("{\"execute\":\"guest-info\"}\n".repeat(20).as_bytes())?;
    }
    let (ours, theirs) = (both.our_pid(), both.their_pid());
    let start = Instant::now();
    let before = (ticks(ours)?, ticks(theirs)?);
    while ticks(theirs)? - before.1 < SPINNING {
        ensure!(start.elapsed() < PATIENCE, "qemu-ga does not spin");
        std::thread::sleep(Duration::from_millis(50));
    }
    let used = ticks(ours)? - before.0;
    ensure!(used < SPINNING / 5, "{used} ticks, and qemu-ga {SPINNING}");
    Ok(())
}
