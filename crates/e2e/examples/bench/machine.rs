//! The figures in the virtual machine, on real ports.

use anyhow::{Context, Result};
use infiniservice_e2e::Guest;
use serde_json::json;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::idle::Idle;
use crate::peer::Peer;
use crate::process::{self, Figures};
use crate::programs::Programs;
use crate::table::{Row, Table, decimal};
use crate::{Effort, round_trip, tools};

/// All figures.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    table.row(Row::new("release binary, MB").texts(&decimal(programs.agent_bytes()? as f64 / 1e6), ""));
    let guest = Guest::boot()?;
    guest.sh("sleep 15")?;
    let pids = (guest.agent_pid()?, guest.sh("pidof qemu-ga")?.parse().context("pidof qemu-ga")?);
    let processes = guest.sh("ls -d /proc/[0-9]* | wc -l")?;
    eprintln!("booted, {processes} processes; no host for {} s", effort.window.as_secs());
    idle(&guest, pids, effort.window, None, "host away", table)?;
    let mut host = Peer::new(UnixStream::connect(guest.machine.agent_socket())?);
    host.metrics()?;
    host.serve(Instant::now() + Duration::from_secs(15))?;
    eprintln!("a host for {} s", effort.window.as_secs());
    idle(&guest, pids, effort.window, Some(&mut host), "host present", table)?;
    table.row(Row::new("one metrics line, bytes").texts(&host.metrics_bytes.to_string(), ""));
    costs(&guest, &mut host, pids.0, effort, table)?;
    round_trips(&guest, &mut host, effort, table)?;
    commands(&guest, &mut host, effort, table)
}

fn figures(guest: &Guest, pid: u32) -> Result<Figures> {
    process::parse(&guest.sh(&process::script(pid))?)
}

/// The window is timed by the host: nothing runs in the guest meanwhile. qemu-ga carries the questions before and
/// after, so its own processor time and wake-ups have those in them.
fn idle(
    guest: &Guest,
    (ours, theirs): (u32, u32),
    window: Duration,
    host: Option<&mut Peer>,
    state: &str,
    table: &mut Table,
) -> Result<()> {
    let first = (figures(guest, ours)?, figures(guest, theirs)?);
    let start = Instant::now();
    match host {
        Some(host) => host.serve(start + window)?,
        None => std::thread::sleep(window),
    }
    let window = start.elapsed();
    let last = (figures(guest, ours)?, figures(guest, theirs)?);
    let idle = |last: &Figures, first| Idle { spent: last.since(first), window, busy_seconds: None };
    let (ours, theirs) = (idle(&last.0, &first.0), idle(&last.1, &first.1));
    if state == "host present" {
        ours.memory_rows(&theirs, table);
    }
    ours.rows(state, Some(&theirs), table);
    Ok(())
}

/// The agent's own processor time for what it is asked most.
fn costs(guest: &Guest, host: &mut Peer, pid: u32, effort: &Effort, table: &mut Table) -> Result<()> {
    let safe = |action: &str| format!(r#""type":"SafeCommand","command_type":{{"action":"{action}"}}"#);
    let kinds = [
        ("a collection", r#""type":"Metrics""#.to_owned()),
        ("ProcessList", safe("ProcessList")),
        ("ServiceList", safe("ServiceList")),
    ];
    for (what, request) in kinds {
        let before = figures(guest, pid)?;
        for round in 0..effort.commands {
            let id = format!("cost-{what}-{round}-");
            host.exchange(&format!(r#"{{{request},"id":"{id}"}}"#), &id)?;
        }
        let spent = figures(guest, pid)?.since(&before).cpu_secs * 1e3 / effort.commands as f64;
        table.row(Row::new(&format!("processor time of {what}, the agent's, ms")).texts(&decimal(spent), ""));
    }
    Ok(())
}

fn round_trips(guest: &Guest, host: &mut Peer, effort: &Effort, table: &mut Table) -> Result<()> {
    let host = std::cell::RefCell::new(host);
    let mut ask = |request: &str, wanted: &str| Ok(host.borrow_mut().exchange(request, wanted)?.0);
    let mut ask_too = |request: &str, wanted: &str| Ok(host.borrow_mut().exchange(request, wanted)?.0);
    let mut ask_theirs = |_: &str, _: &str| {
        let mut agent = guest.machine.machine()?.guest_agent();
        let begin = Instant::now();
        agent.execute("guest-ping", &json!({}))?;
        Ok(begin.elapsed())
    };
    let times = round_trip::run(
        effort.round_trips / 5,
        &mut [
            (round_trip::ping, &mut ask),
            (round_trip::guest_ping, &mut ask_theirs),
            (round_trip::command, &mut ask_too),
        ],
    )?;
    let [ping, guest_ping, command] = &times[..] else { anyhow::bail!("three kinds were asked for") };
    round_trip::rows("round trip of a ping", ping, guest_ping, true, table);
    round_trip::rows("round trip of a safe command", command, guest_ping, false, table);
    Ok(())
}

/// The tool is timed inside the guest, without the way there; the action with it.
fn commands(guest: &Guest, host: &mut Peer, effort: &Effort, table: &mut Table) -> Result<()> {
    let unit = "/run/systemd/system/bench.service";
    guest
        .sh(&format!("printf '{}' > {unit}; systemctl daemon-reload; systemctl start bench", tools::UNIT))?;
    for pair in tools::READING.iter().chain(&tools::ACTING) {
        let time = |line: &str| {
            let script = format!(
                "a=$(date +%s%N); {{ {}; }} >/dev/null; b=$(date +%s%N); echo $((b-a))",
                quoted(line)
            );
            Ok(Duration::from_nanos(guest.sh(&script)?.parse().context("nanoseconds")?))
        };
        tools::measure(host, pair, effort.commands, table, time)?;
    }
    guest.sh(&format!("systemctl stop bench; rm {unit}; systemctl daemon-reload"))?;
    Ok(())
}

/// Each word in quotes, but not what stands between two steps.
fn quoted(line: &str) -> String {
    let steps: Vec<_> = line.split(" && ").map(|step| format!("'{}'", step.replace(' ', "' '"))).collect();
    steps.join(" && ")
}
