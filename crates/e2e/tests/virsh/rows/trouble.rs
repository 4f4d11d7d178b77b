//! Slow commands, a host that gives up, a libvirtd that ends, and an answer that is too long.

use super::Row;
use crate::guest::{Guest, NAME, until};
use anyhow::{Context, Result, ensure};
use std::thread;

pub const ROWS: &[Row] = &[
    Row::new(
        "qemu-agent-command --timeout 1 of a slow command, then a ping",
        "a timeout; then a sync and the right answer, never the late one",
        late,
    ),
    // libvirtd takes its half minute to end with a command under way.
    Row::new("restart of libvirtd in the middle of a command", "the next ping works", restarted).slow(),
    Row::new("guest-file-read of 48 MiB", "an answer below 10 MiB; the agent goes on", large),
];

/// Freezes nothing, after a program that takes as long as `/run/slow` is there.
const SLOW: &str = r#"{"execute":"guest-fsfreeze-freeze-list","arguments":{"mountpoints":[]}}"#;

fn late(guest: &Guest) -> Result<String> {
    guest.inside("touch /run/slow")?;
    let before = guest.log_length()?;
    let words = guest.refused(&["qemu-agent-command", NAME, SLOW, "--timeout", "1"])?;
    ensure!(words.contains("Guest agent not available for now"), "{words}");
    // The slow one runs on.
    guest.ping()?;
    guest.inside("rm /run/slow")?;
    // Its answer would come now.
    for _ in 0..5 {
        guest.ping()?;
    }
    ensure!(guest.agent_command(r#"{"execute":"guest-fsfreeze-status"}"#)?.contains("thawed"), "the status");
    let log = guest.logged(before)?.unwrap_or_default();
    ensure!(log.is_empty() || log.contains("Sending guest-sync command"), "no sync:\n{log}");
    Ok("a timeout; a sync; six pings, each with its own answer".to_owned())
}

fn restarted(guest: &Guest) -> Result<String> {
    guest.inside("touch /run/slow")?;
    let restarted = thread::scope(|scope| {
        let cut = scope.spawn(|| guest.refused(&["qemu-agent-command", NAME, SLOW, "--block"]));
        let ready = until("the slow command", || {
            Ok(guest.inside("pgrep -f '[l]ab-freeze-hook' || true")?.lines().next().is_some())
        });
        let restarted = ready.and_then(|()| guest.restart_libvirtd());
        if !matches!(restarted, Ok(true)) {
            guest.inside("rm -f /run/slow")?;
        }
        let cut = cut.join().ok().context("virsh's thread")?;
        restarted.and_then(|done| if done { cut.map(|_words| done) } else { Ok(done) })
    })?;
    guest.ping()?;
    guest.inside("rm -f /run/slow")?;
    guest.ping()?;
    let left_out = "left out: libvirtd belongs to the host's service manager";
    Ok(if restarted { "pings answered while it runs on, and after" } else { left_out }.to_owned())
}

fn large(guest: &Guest) -> Result<String> {
    guest.inside("truncate --size=48M /data/large")?;
    let opened =
        guest.agent_command(r#"{"execute":"guest-file-open","arguments":{"path":"/data/large"}}"#)?;
    let handle = opened.trim_start_matches(r#"{"return":"#).trim_end_matches('}').to_owned();
    let of_it = |command: &str, more: &str| {
        format!(r#"{{"execute":"guest-file-{command}","arguments":{{"handle":{handle}{more}}}}}"#)
    };
    // Ten million characters through an emulated port: libvirt's own 5 s are too short for that on a busy host.
    let read = of_it("read", r#","count":50331648"#);
    let before = guest.log_length()?;
    // virsh gets at most 4 MiB of text from libvirtd, which took the answer all the same.
    let words = guest.refused(&["qemu-agent-command", NAME, &read, "--timeout", "120"])?;
    ensure!(words.contains("Unable to encode message payload"), "{words}");
    let log = guest.logged(before)?;
    let line = log.iter().flat_map(|log| log.lines()).find(|line| line.contains("buf-b64"));
    let length = line.map_or(0, str::len);
    ensure!(log.is_none() || (4 << 20..10 << 20).contains(&length), "an answer of {length} bytes");
    guest.ping()?;
    let less = of_it("read", r#","count":1048576"#);
    let less = guest.virsh(&["qemu-agent-command", NAME, &less, "--timeout", "120"])?;
    ensure!(less.contains(r#""count":1048576"#), "{} bytes", less.len());
    guest.agent_command(&of_it("close", ""))?;
    guest.inside("rm /data/large")?;
    let mib = length as f64 / f64::from(1 << 20);
    Ok(format!(
        "{mib:.1} MiB, which libvirtd takes (to virsh it passes on 4 MiB at most); then a ping, and 1 MiB"
    ))
}
