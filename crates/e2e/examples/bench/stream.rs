//! What a stream and a plugin cost, as shares of a core, beside the same agent without them.

use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::process;
use crate::programs::Programs;
use crate::table::{Row, Table, decimal};

/// Intervals of the streams, in milliseconds.
const INTERVALS_MS: [u64; 3] = [250, 1000, 10_000];
/// The longest lease; no window is longer.
const LEASE_SECS: u64 = 300;
/// How often the plugin runs: the most that there may be.
const PLUGIN_SECS: u64 = 10;

/// Adds the rows.
pub fn measure(programs: &Programs, window: Duration, table: &mut Table) -> Result<()> {
    let window = window.min(Duration::from_secs(LEASE_SECS));
    eprintln!("streams and a plugin, {} s each", window.as_secs());
    let base = cpu_secs(programs, "", None, window)?;
    for interval_ms in INTERVALS_MS {
        let asks = format!(
            r#"{{"type":"Subscribe","id":"bench","interval_ms":{interval_ms},"fields":["system.cpu","system.memory"],"lease_secs":{LEASE_SECS}}}"#
        );
        let taken = cpu_secs(programs, "", Some(&asks), window)?;
        let share = (taken - base).max(0.0) / window.as_secs_f64() * 100.0;
        let row = Row::new(&format!("stream of cpu and memory each {interval_ms} ms, % of a core"));
        let row = row.texts(&decimal(share), "");
        table.row(if interval_ms == 1000 { row.reached("< 0.3 %", share < 0.3) } else { row });
    }
    let files = plugin()?;
    let config = format!("plugins_dir = {:?}\n", files.path().display().to_string());
    let taken = cpu_secs(programs, &config, None, window)?;
    let runs = window.as_secs_f64() / PLUGIN_SECS as f64;
    let row = Row::new("one run of a plugin, the agent's own processor time, ms");
    table.row(row.texts(&decimal((taken - base).max(0.0) / runs * 1e3), ""));
    Ok(())
}

/// Processor time of the agent over the window, after its first collections.
fn cpu_secs(programs: &Programs, config: &str, asks: Option<&str>, window: Duration) -> Result<f64> {
    let (agent, mut host) = programs.start_agent_with(config)?;
    host.greet(r#"{"type":"Hello"}"#)?;
    host.serve(Instant::now() + Duration::from_secs(15))?;
    if let Some(asks) = asks {
        host.exchange(asks, r#""id":"bench""#).context("a stream")?;
    }
    let before = process::of(agent.pid())?;
    host.serve(Instant::now() + window)?;
    Ok(process::of(agent.pid())?.since(&before).cpu_secs)
}

/// A directory with a plugin that says one figure.
fn plugin() -> Result<tempfile::TempDir> {
    let files = tempfile::tempdir()?;
    std::fs::set_permissions(files.path(), PermissionsExt::from_mode(0o755))?;
    let text = format!(
        "command = [\"/bin/echo\", \"bench_figure 1\"]\ninterval_secs = {PLUGIN_SECS}\nformat = \"openmetrics\"\n"
    );
    std::fs::write(files.path().join("bench.toml"), text)?;
    Ok(files)
}
