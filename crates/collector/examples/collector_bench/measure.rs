//! One collection beside its floor, round by round in the same run.

use super::counting_unsafe;
use super::floor::Floor;
use anyhow::Result;
use infiniservice_collector::{Collector, CollectorSettings};
use infiniservice_platform::clock::{Clock, Now, SystemClock};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// What each round claims to have passed, as at the default interval.
const INTERVAL: Duration = Duration::from_secs(30);

/// Wall time and CPU time of this thread.
#[derive(Default)]
struct Times {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
}

impl Times {
    fn take<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (wall, cpu) = (Instant::now(), cpu_time());
        let done = work();
        self.cpu.push(cpu_time().saturating_sub(cpu));
        self.wall.push(wall.elapsed());
        done
    }

    fn median_ms(&mut self) -> (f64, f64) {
        let median = |list: &mut Vec<Duration>| {
            list.sort();
            (list[list.len() / 2].as_secs_f64() * 1e6).round() / 1e3
        };
        (median(&mut self.wall), median(&mut self.cpu))
    }
}

fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Prints one line of JSON.
pub fn run(rounds: usize, settle_secs: usize) -> Result<()> {
    // A process younger than half a minute is read again each time; a long-lived machine has few.
    std::thread::sleep(Duration::from_secs(settle_secs as u64));
    let (mut floor, mut collector) = (Floor::new()?, Collector::new(CollectorSettings::default()));
    let (mut floor_times, mut own_times, mut first) = (Times::default(), Times::default(), Times::default());
    let mut now = SystemClock::start().now();
    let mut next = || {
        now = Now { mono: now.mono + INTERVAL, wall: now.wall + INTERVAL };
        now
    };
    let (mut data, mut collection) = first.take(|| collector.collect(next()));
    let (mut processes, mut socket_bytes) = (0, 0);
    let mut allocated = Vec::new();
    for _ in 0..rounds.max(1) {
        let listed: Vec<u32> = data.processes.iter().map(|p| p.pid).collect();
        (processes, socket_bytes) =
            floor_times.take(|| Ok::<_, anyhow::Error>((floor.files(&listed)?, floor.sockets()?)))?;
        let before = counting_unsafe::so_far();
        (data, collection) = own_times.take(|| collector.collect(next()));
        let after = counting_unsafe::so_far();
        allocated.push((after.0 - before.0, after.1 - before.1));
    }
    allocated.sort_unstable();
    let (allocations, allocated_bytes) = allocated[allocated.len() / 2];
    let ((floor_ms, floor_cpu), (own_ms, own_cpu)) = (floor_times.median_ms(), own_times.median_ms());
    let report = serde_json::json!({
        "processes": processes,
        "sockets": collection.truncated.get("ports").copied().unwrap_or(data.ports.len() as u32),
        "socket_dump_bytes": socket_bytes,
        "rounds": rounds,
        "first_cpu_ms": first.median_ms().1,
        "collection_wall_ms": own_ms,
        "collection_cpu_ms": own_cpu,
        "floor_wall_ms": floor_ms,
        "floor_cpu_ms": floor_cpu,
        "ratio_of_cpu": (own_cpu / floor_cpu * 100.0).round() / 100.0,
        "allocations": allocations,
        "allocated_bytes": allocated_bytes,
        "vm_hwm_kb": vm_hwm_kb(),
        "line_bytes": serde_json::to_string(&data)?.len(),
        "failed": collection.failed,
    });
    println!("{report}");
    Ok(())
}

fn vm_hwm_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}
