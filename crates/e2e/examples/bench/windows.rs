//! The Windows program under Wine, beside a Windows program that does nothing but wait.

use crate::Effort;
use crate::programs::Programs;
use crate::round_trip::Times;
use crate::table::{Row, Table, count, decimal, millis};
use anyhow::Result;
use infiniservice_e2e::harness::Environment as _;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::{Agent, Windows};
use infiniservice_protocol::Action;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Instant;

const AGENT: &str = "infiniservice.exe";
/// Waits for a key: what any program costs under Wine.
const FLOOR: &str = "cmd.exe";

/// Handles and memory at one moment.
struct Held {
    handles: u64,
    rss_kb: u64,
}

/// Fills the table.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    let size = programs.agent.metadata()?.len();
    table.row(Row::new("release program, MB").texts(&decimal(size as f64 / 1e6), ""));
    let windows = Windows::set_up()?;
    // The last value of a setting counts: heartbeats as they come by default.
    let agent = windows.start(&["--set", "keep_alive_interval_secs=30"])?;
    windows.wait(agent.client()?.hello(TIMEOUT))?;
    idle(&windows, &agent, effort, table)?;
    round_trips(&windows, &agent, effort, table)
}

fn idle(windows: &Windows, agent: &Agent<'_>, effort: &Effort, table: &mut Table) -> Result<()> {
    let (start, cpu) = (Instant::now(), agent.running.cpu_secs()?);
    sleep(effort.window);
    let share = (agent.running.cpu_secs()? - cpu) / start.elapsed().as_secs_f64();
    let text = format!("{} ({} %)", count(share * 3600.0), decimal(share * 100.0));
    table.row(
        Row::new("processor seconds an hour (share of a core), host present")
            .texts(&text, "")
            .reached("< 0.05 %", share < 0.0005),
    );
    let (ours, floor) = (held(windows, agent)?, floor(windows)?);
    table.row(Row::new("resident set, kB").beside(ours.rss_kb, floor.rss_kb));
    table.row(Row::new("handles").beside(ours.handles, floor.handles));
    Ok(())
}

fn held(windows: &Windows, agent: &Agent<'_>) -> Result<Held> {
    Ok(Held { handles: windows.prefix.handles_of(AGENT)?, rss_kb: agent.running.rss_kb()? })
}

/// The same of a program that waits.
fn floor(windows: &Windows) -> Result<Held> {
    let mut child = windows
        .prefix
        .command("cmd")?
        .args(["/c", "pause"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let held = windows.prefix.handles_of(FLOOR);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    child.kill()?;
    child.wait()?;
    let rss = status?
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    Ok(Held { handles: held?, rss_kb: rss.unwrap_or_default() })
}

fn round_trips(windows: &Windows, agent: &Agent<'_>, effort: &Effort, table: &mut Table) -> Result<()> {
    let before = held(windows, agent)?;
    let (mut pings, mut lists) = (Times::default(), Times::default());
    for _ in 0..effort.round_trips {
        pings.add(windows.wait(agent.client()?.ping(TIMEOUT))?);
        let start = Instant::now();
        agent.succeed(&Action::ProcessList { limit: Some(5), sort_by: None, filter: None })?;
        lists.add(start.elapsed());
    }
    for (name, times) in [("round trip of a ping", &pings), ("ProcessList", &lists)] {
        for (quantile, share) in [("p50", 0.5), ("p99", 0.99)] {
            table.row(Row::new(&format!("{name}, {quantile}, ms")).texts(&millis(times.quantile(share)), ""));
        }
    }
    let after = held(windows, agent)?;
    let rounds = effort.round_trips;
    let grown = |before: u64, after: u64| format!("{before} to {after}");
    table.row(
        Row::new(&format!("handles over {rounds} commands")).texts(&grown(before.handles, after.handles), ""),
    );
    table.row(Row::new("resident set over them, kB").texts(&grown(before.rss_kb, after.rss_kb), ""));
    Ok(())
}
