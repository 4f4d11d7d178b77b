//! The agent beside an earlier one: what a host that asks for nothing new notices of the change.

use anyhow::Result;
use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::peer::Peer;
use crate::programs::Programs;
use crate::round_trip;
use crate::table::{Row, Table, decimal};
use crate::{Effort, idle};

/// How long one host is served before the other has its turn: both have their heartbeats answered in time.
const TURN: Duration = Duration::from_millis(200);

/// All figures, of both at the same time.
pub fn measure(programs: &Programs, earlier: &Path, effort: &Effort, table: &mut Table) -> Result<()> {
    let before = Programs { agent: earlier.to_path_buf(), collector_bench: programs.collector_bench.clone() };
    let [new, old] =
        [programs.agent_bytes()?, before.agent_bytes()?].map(|bytes| decimal(bytes as f64 / 1e6));
    table.row(Row::new("release binary, MB").texts(&new, &old));
    let [(new, mut host), (old, mut old_host)] = [programs.start_agent()?, before.start_agent()?];
    eprintln!("idle for {} s", effort.window.as_secs());
    let mut serve = |end: Instant| {
        while Instant::now() < end {
            host.serve((Instant::now() + TURN).min(end))?;
            old_host.serve((Instant::now() + TURN).min(end))?;
        }
        Ok(())
    };
    // Starts and first collections are over before the window opens.
    serve(Instant::now() + Duration::from_secs(15))?;
    let [ours, theirs] = idle::watch([new.pid(), old.pid()], effort.window, serve)?;
    ours.memory_rows(&theirs, table);
    ours.rows("host present", Some(&theirs), table);
    round_trips(&mut host, &mut old_host, effort, table)
}

fn round_trips(new: &mut Peer, old: &mut Peer, effort: &Effort, table: &mut Table) -> Result<()> {
    let (new, old) = (RefCell::new(new), RefCell::new(old));
    let ask = |peer: &RefCell<&mut Peer>, request: &str, wanted: &str| {
        Ok(peer.borrow_mut().exchange(request, wanted)?.0)
    };
    let mut ping_new = |request: &str, wanted: &str| ask(&new, request, wanted);
    let mut ping_old = |request: &str, wanted: &str| ask(&old, request, wanted);
    let mut command_new = |request: &str, wanted: &str| ask(&new, request, wanted);
    let mut command_old = |request: &str, wanted: &str| ask(&old, request, wanted);
    let times = round_trip::run(
        effort.round_trips,
        &mut [
            (round_trip::ping, &mut ping_new),
            (round_trip::ping, &mut ping_old),
            (round_trip::command, &mut command_new),
            (round_trip::command, &mut command_old),
        ],
    )?;
    let [ping, old_ping, command, old_command] = &times[..] else {
        anyhow::bail!("four kinds were asked for")
    };
    round_trip::rows("round trip of a ping", ping, old_ping, false, table);
    round_trip::rows("round trip of a safe command", command, old_command, false, table);
    Ok(())
}
