//! So many collections, or so many runs of the floor, and nothing else: for `strace -c` and `perf record`.

use super::floor::Floor;
use anyhow::{Result, bail};
use infiniservice_collector::{Collector, CollectorSettings};
use infiniservice_platform::clock::{Clock, Now, SystemClock};
use std::time::Duration;

/// What each round claims to have passed, as at the default interval.
const INTERVAL: Duration = Duration::from_secs(30);

/// Prints what it saw in the last round, as one line of JSON.
pub fn run(what: &str, rounds: usize) -> Result<()> {
    let mut collector = Collector::new(CollectorSettings::default());
    let mut now = SystemClock::start().now();
    let (mut data, mut collection) = collector.collect(now);
    let listed: Vec<u32> = data.processes.iter().map(|p| p.pid).collect();
    let mut floor = Floor::new()?;
    for _ in 0..rounds {
        match what {
            "collect" => {
                now = Now { mono: now.mono + INTERVAL, wall: now.wall + INTERVAL };
                (data, collection) = collector.collect(now);
            }
            "floor" => {
                floor.files(&listed)?;
                floor.sockets()?;
            }
            _ => bail!("{what} is neither collect nor floor"),
        }
    }
    let all = |name: &str, listed: usize| collection.truncated.get(name).copied().unwrap_or(listed as u32);
    println!(
        "{}",
        serde_json::json!({
            "processes": all("processes", data.processes.len()),
            "listed": data.processes.len(),
            "sockets": all("ports", data.ports.len()),
        })
    );
    Ok(())
}
