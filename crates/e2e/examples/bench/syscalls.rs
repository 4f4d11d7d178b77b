//! System calls of one collection and of its floor, counted by strace: the difference between a long and a short run.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::children;
use crate::programs::Programs;

/// Processes in the whole machine, and sockets.
const LOADS: [(usize, usize); 3] = [(200, 0), (1200, 0), (200, 1000)];
/// Rounds of the short run, and how many more the long one has.
const ROUNDS: (usize, usize) = (3, 20);
/// Until a process is as old as nearly all are.
const SETTLE: Duration = Duration::from_secs(31);

/// Calls of one round by name, and what the machine held.
struct Counted {
    calls: BTreeMap<String, f64>,
    seen: serde_json::Value,
}

impl Counted {
    fn all(&self) -> f64 {
        self.calls.values().sum()
    }

    fn of(&self, name: &str) -> f64 {
        self.calls.get(name).copied().unwrap_or_default()
    }

    fn processes(&self) -> f64 {
        self.seen["processes"].as_f64().unwrap_or_default()
    }
}

/// The table.
pub fn measure(programs: &Programs) -> Result<String> {
    children::ensure_tools()?;
    let mut counted = Vec::new();
    for (processes, sockets) in LOADS {
        let _load = programs.load(processes, sockets)?;
        std::thread::sleep(SETTLE);
        counted.push((count(programs, "collect")?, count(programs, "floor")?));
    }
    render(&counted)
}

fn render(counted: &[(Counted, Counted)]) -> Result<String> {
    let mut table = "| system calls of one collection |".to_owned();
    for (ours, _) in counted {
        let seen = &ours.seen;
        let (all, listed, sockets) = (&seen["processes"], &seen["listed"], &seen["sockets"]);
        write!(table, " {all} processes, {listed} listed, {sockets} sockets | its floor |")?;
    }
    table += "\n|---|";
    table += &"--:|".repeat(2 * counted.len());
    table.push('\n');
    let mut names: Vec<&String> =
        counted.iter().flat_map(|(ours, floor)| ours.calls.keys().chain(floor.calls.keys())).collect();
    names.sort();
    names.dedup();
    for name in names {
        line(&mut table, name, counted, |side| side.of(name))?;
    }
    line(&mut table, "all", counted, Counted::all)?;
    if let [(ours, floor), (more, more_floor), ..] = counted {
        let slope = |less: &Counted, more: &Counted| {
            (more.all() - less.all()) / (more.processes() - less.processes())
        };
        write!(
            table,
            "\nEach further process: {:.2} calls, floor {:.2}.\n",
            slope(ours, more),
            slope(floor, more_floor)
        )?;
    }
    Ok(table)
}

fn line(
    table: &mut String,
    name: &str,
    counted: &[(Counted, Counted)],
    of: impl Fn(&Counted) -> f64,
) -> Result<()> {
    write!(table, "| {name} |")?;
    for (ours, floor) in counted {
        write!(table, " {:.1} | {:.1} |", of(ours), of(floor))?;
    }
    table.push('\n');
    Ok(())
}

fn count(programs: &Programs, what: &str) -> Result<Counted> {
    let (few, more) = ROUNDS;
    let (short, _) = trace(programs, what, few)?;
    let (long, seen) = trace(programs, what, few + more)?;
    let each = |(name, calls): (String, u64)| {
        let before = short.get(&name).copied().unwrap_or_default();
        (name, calls.saturating_sub(before) as f64 / more as f64)
    };
    let calls = long.into_iter().map(each).filter(|(_, calls)| *calls >= 0.05).collect();
    Ok(Counted { calls, seen })
}

/// Runs under `strace -c`: calls by name, and what the program printed.
fn trace(
    programs: &Programs,
    what: &str,
    rounds: usize,
) -> Result<(BTreeMap<String, u64>, serde_json::Value)> {
    let file = tempfile::NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-o"]).arg(file.path()).arg(&programs.collector_bench);
    let output = command.args([what, &rounds.to_string()]).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "strace ended with {}", output.status);
    let text = std::fs::read_to_string(file.path())?;
    let calls = text.lines().filter_map(calls).collect();
    Ok((calls, serde_json::from_slice(&output.stdout).context("what the program printed")?))
}

/// A line of `strace -c`: share, seconds, microseconds a call, calls, perhaps errors, name.
fn calls(line: &str) -> Option<(String, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let name = words.last().filter(|name| **name != "total")?;
    Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
}
