//! How a collection grows with processes and sockets, beside its floor and the tools that list the same.

use anyhow::{Context, Result};
use std::fmt::Write as _;

use crate::Effort;
use crate::children::{self, PS, SS};
use crate::exporter::collect;
use crate::process::{self, Figures};
use crate::programs::Programs;
use crate::table::decimal;

/// Processes in the whole machine, and sockets.
const LOADS: [(usize, usize); 7] =
    [(100, 0), (1000, 0), (10_000, 0), (150, 100), (150, 1000), (150, 10_000), (10_000, 10_000)];
/// Until what a young process costs more than an old one is over.
const SETTLE_SECS: u64 = 31;
const HEAD: &str = "| processes | sockets | collection | floor | ratio | `ps` | `ss -tunap` | allocations | \
                    resident set, kB | its peak, kB | answer, kB |\n\
                    |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";

/// The table.
pub fn measure(programs: &Programs, effort: &Effort) -> Result<String> {
    children::ensure_tools()?;
    let mut table = HEAD.to_owned();
    for (processes, sockets) in LOADS {
        let row = row(programs, effort, processes, sockets)
            .with_context(|| format!("{processes} processes, {sockets} sockets"))?;
        eprint!("  {row}");
        table += &row;
    }
    Ok(table)
}

fn row(programs: &Programs, effort: &Effort, processes: usize, sockets: usize) -> Result<String> {
    let _load = programs.load(processes, sockets)?;
    let measured = programs.measure(effort.collections, SETTLE_SECS)?;
    let number = |name: &str| measured[name].as_f64().with_context(|| format!("{name} in {measured}"));
    let (ours, floor) = (number("collection_cpu_ms")?, number("floor_cpu_ms")?);
    let rounds = effort.collections.min(11);
    let (ps, ss) = (children::cpu_ms(PS, rounds)?, children::cpu_ms(SS, rounds)?);
    let (figures, bytes) = agent(programs)?;
    let mut row = String::new();
    write!(row, "| {} | {} ", measured["processes"], measured["sockets"])?;
    write!(row, "| {ours:.2} | {floor:.2} | {:.2} ", ours / floor)?;
    write!(row, "| {ps:.1} | {ss:.1} ")?;
    write!(row, "| {} | {} | {} ", number("allocations")?, figures.rss_kb, figures.peak_kb)?;
    writeln!(row, "| {} |", decimal(bytes as f64 / 1e3))?;
    Ok(row)
}

/// A whole agent's sizes after a dozen collections, and that of its answer.
fn agent(programs: &Programs) -> Result<(Figures, usize)> {
    let (agent, mut host) = programs.start_agent()?;
    let mut bytes = 0;
    for round in 0..12 {
        bytes = collect(&mut host, round)?.1;
    }
    Ok((process::of(agent.pid())?, bytes))
}
