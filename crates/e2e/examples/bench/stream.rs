//! What a stream and a plugin cost, as shares of a core, beside the same agent without them.

use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::thread::ScopedJoinHandle;
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

/// Adds the rows. All agents run at once, each mostly asleep: one after the other they would take half an hour.
pub fn measure(programs: &Programs, window: Duration, table: &mut Table) -> Result<()> {
    let window = window.min(Duration::from_secs(LEASE_SECS));
    eprintln!("streams and a plugin, {} s", window.as_secs());
    let files = plugin()?;
    let with_plugin = format!("plugins_dir = {:?}\n", files.path().display().to_string());
    let asks = INTERVALS_MS.map(ask);
    let (base, plugin, streams) = std::thread::scope(|scope| {
        let of = |config, asks| scope.spawn(move || cpu_secs(programs, config, asks, window));
        let (base, plugin) = (of("", None), of(&with_plugin, None));
        let streams: Vec<_> = asks.iter().map(|asks| of("", Some(asks))).collect();
        anyhow::Ok((
            ended(base)?,
            ended(plugin)?,
            streams.into_iter().map(ended).collect::<Result<Vec<_>>>()?,
        ))
    })?;
    for (interval_ms, taken) in INTERVALS_MS.into_iter().zip(streams) {
        let share = (taken - base).max(0.0) / window.as_secs_f64() * 100.0;
        let row = Row::new(&format!("stream of cpu and memory each {interval_ms} ms, % of a core"));
        let row = row.texts(&decimal(share), "");
        table.row(if interval_ms == 1000 { row.reached("< 0.3 %", share < 0.3) } else { row });
    }
    let runs = window.as_secs_f64() / PLUGIN_SECS as f64;
    let row = Row::new("one run of a plugin, the agent's own processor time, ms");
    table.row(row.texts(&decimal((plugin - base).max(0.0) / runs * 1e3), ""));
    Ok(())
}

fn ask(interval_ms: u64) -> String {
    format!(
        r#"{{"type":"Subscribe","id":"bench","interval_ms":{interval_ms},"fields":["system.cpu","system.memory"],"lease_secs":{LEASE_SECS}}}"#
    )
}

fn ended(measurement: ScopedJoinHandle<'_, Result<f64>>) -> Result<f64> {
    measurement.join().unwrap_or_else(|_panic| anyhow::bail!("a measurement panicked"))
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
