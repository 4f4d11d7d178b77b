//! The figures on a pty.

use anyhow::{Context, Result};
use std::time::{Duration, Instant};

use crate::children::{self, PS, SS};
use crate::peer::Peer;
use crate::programs::{Programs, Running, running_processes, start_qemu_ga};
use crate::table::{Row, Table, decimal};
use crate::{
    Effort, collection, compressed, exporter, flood, idle, process, round_trip, sealed, stream, tools,
};

/// The agent and its rival, each with its host.
struct Pair {
    agent: (Running, Peer),
    rival: (Running, Peer),
}

/// All figures.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    let megabytes = programs.agent_bytes()? as f64 / 1e6;
    table.row(
        Row::new("release binary, MB").texts(&decimal(megabytes), "").reached("< 5 MB", megabytes < 5.0),
    );
    let load = programs.load(150, 0)?;
    eprintln!("{} processes; idle for {} s", running_processes()?, effort.window.as_secs());
    let mut pair = Pair { agent: programs.start_agent()?, rival: start_qemu_ga(&[])? };
    idle_host(&mut pair, effort, table)?;
    round_trips(&mut pair, effort, table)?;
    sealed::measure(programs, effort.round_trips, table)?;
    flood::measure(programs, effort.round_trips, table)?;
    tools::on_this_machine(&mut pair.agent.1, effort, table)?;
    device_gone(pair, effort, table)?;
    compressed::measure(programs, effort, table)?;
    stream::measure(programs, effort.window, table)?;
    beside_the_usual(programs, effort, table)?;
    drop(load);
    eprintln!("memory under load");
    under_load(programs, table)?;
    eprintln!("collections");
    collection::measure(programs, effort, table)
}

/// Starts and first collections are over before the window opens; it ends at least two minutes after the start.
fn idle_host(pair: &mut Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    let (agent, host) = &mut pair.agent;
    pair.rival.1.greet(&round_trip::guest_ping(0).0)?;
    host.serve(Instant::now() + Duration::from_secs(15))?;
    let pids = [agent.pid(), pair.rival.0.pid()];
    let [ours, theirs] = idle::watch(pids, effort.window, |end| host.serve(end))?;
    ours.memory_rows(&theirs, table);
    ours.rows("host present", Some(&theirs), table);
    table.row(Row::new("one metrics line, bytes").texts(&host.metrics_bytes.to_string(), ""));
    Ok(())
}

fn round_trips(pair: &mut Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    let ours = std::cell::RefCell::new(&mut pair.agent.1);
    let mut ask_ours = |request: &str, wanted: &str| Ok(ours.borrow_mut().exchange(request, wanted)?.0);
    let mut ask_ours_too = |request: &str, wanted: &str| Ok(ours.borrow_mut().exchange(request, wanted)?.0);
    let mut ask_theirs = |request: &str, wanted: &str| Ok(pair.rival.1.exchange(request, wanted)?.0);
    let times = round_trip::run(
        effort.round_trips,
        &mut [
            (round_trip::ping, &mut ask_ours),
            (round_trip::guest_ping, &mut ask_theirs),
            (round_trip::command, &mut ask_ours_too),
        ],
    )?;
    let [ping, guest_ping, command] = &times[..] else { anyhow::bail!("three kinds were asked for") };
    round_trip::rows("round trip of a ping", ping, guest_ping, true, table);
    round_trip::rows("round trip of a safe command", command, guest_ping, false, table);
    let peak = process::of(pair.agent.0.pid())?.peak_kb;
    table.row(Row::new("peak resident set after them, kB").texts(&peak.to_string(), ""));
    Ok(())
}

/// The same information by other programs of this machine.
fn beside_the_usual(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    exporter::measure(programs, 3 * effort.commands, table)?;
    children::ensure_tools()?;
    let (agent, mut host) = programs.start_agent()?;
    exporter::collect(&mut host, 0)?;
    let before = process::of(agent.pid())?;
    for round in 1..=effort.commands {
        exporter::collect(&mut host, round)?;
    }
    let ours = process::of(agent.pid())?.since(&before).cpu_secs * 1e3 / effort.commands as f64;
    let (ps, ss) = (children::cpu_ms(PS, effort.commands)?, children::cpu_ms(SS, effort.commands)?);
    let theirs = ps + ss;
    let text = format!("{} (ps {} and ss {})", decimal(theirs), decimal(ps), decimal(ss));
    let row = Row::new("processor time of a collection asked for, beside the tools, ms");
    table.row(row.texts(&decimal(ours), &text).ratio(ours / theirs));
    Ok(())
}

/// A pty whose host closes is gone for good: the agent tries to open it again with growing pauses.
fn device_gone(pair: Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    let Pair { agent: (agent, host), rival: (rival, other_host) } = pair;
    drop((host, other_host));
    let wait = |end: Instant| {
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        Ok(())
    };
    let [ours] = idle::watch([agent.pid()], effort.window / 2, wait)?;
    drop(rival);
    ours.rows("device gone", None, table);
    Ok(())
}

/// The whole agent's peak with many processes and sockets.
fn under_load(programs: &Programs, table: &mut Table) -> Result<()> {
    let _load = programs.load(2000, 2000)?;
    let (agent, mut host) = programs.start_agent()?;
    for round in 0..20 {
        host.exchange(&format!(r#"{{"type":"Metrics","id":"load-{round}-"}}"#), &format!("load-{round}-"))
            .context("metrics under load")?;
    }
    let figures = process::of(agent.pid())?;
    let what = "peak resident set, 2,000 processes and 2,000 sockets, kB";
    table.row(
        Row::new(what).texts(&figures.peak_kb.to_string(), "").reached("< 10 MB", figures.peak_kb < 10_240),
    );
    table.row(Row::new("resident set then, kB").texts(&figures.rss_kb.to_string(), ""));
    Ok(())
}
