//! A ping while the agent sends megabytes: over one port, and with the bulk port beside it. The host reads both at its own pace.

use anyhow::{Context, Result};
use infinictl::client::pty;
use std::fs::File;
use std::io::{Read, Write};
use std::thread;

use crate::programs::Programs;
use crate::round_trip::{self, Times};
use crate::table::{Row, Table, millis};

/// Bytes that each command writes: most of what an answer may hold.
const ANSWER_BYTES: usize = 900_000;
/// Commands under way beside the ping.
const AT_ONCE: usize = 4;

/// Adds the rows.
pub fn measure(programs: &Programs, rounds: usize, table: &mut Table) -> Result<()> {
    eprintln!("pings under a flood");
    let rounds = (rounds / 10).max(20);
    let (one, both) = (pings(programs, rounds, false)?, pings(programs, rounds, true)?);
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = (both.quantile(share), one.quantile(share));
        let row = Row::new(&format!("round trip of a ping under a flood, bulk port, {name}, ms"));
        let beside = format!("{} (one port)", millis(theirs));
        table.row(row.texts(&millis(ours), &beside).ratio(ours.as_secs_f64() / theirs.as_secs_f64()));
    }
    Ok(())
}

fn pings(programs: &Programs, rounds: usize, has_bulk: bool) -> Result<Times> {
    let pair = pty::open()?;
    let config = format!(
        "allow_unsafe_commands = true\nbulk = {has_bulk}\nbulk_port = {:?}\n",
        pair.path.display().to_string()
    );
    let (_agent, mut host) = programs.start_agent_with(&config)?;
    host.greet(&round_trip::ping(0).0)?;
    if has_bulk {
        read_all(File::from(pair.master))?;
    }
    let mut times = Times::default();
    for number in 0..rounds as u64 {
        for one in 0..AT_ONCE {
            host.send(format!("{}\n", flood(&format!("flood-{number}-{one}"))).as_bytes())?;
        }
        let (request, wanted) = round_trip::ping(number + 1);
        times.add(host.exchange(&request, &wanted)?.0);
    }
    Ok(times)
}

fn flood(id: &str) -> String {
    format!(
        r#"{{"type":"UnsafeCommand","id":"{id}","raw_command":"head -c {ANSWER_BYTES} /dev/zero | tr '\\0' x"}}"#
    )
}

/// A host that reads the bulk port, once `channel` has come; it ends with the terminal.
fn read_all(mut bulk: File) -> Result<()> {
    bulk.write_all(b"\n")?;
    let mut chunk = vec![0; 64 << 10];
    let _start = bulk.read(&mut chunk).context("the bulk port's first line")?;
    thread::spawn(move || while matches!(bulk.read(&mut chunk), Ok(1..)) {});
    Ok(())
}
