//! What `virsh` does by the QEMU guest agent's protocol, with the host's real libvirt and this agent on the channel.
//!
//! One domain for all rows, in order. `cargo xtask lab libvirt` runs them all; `cargo xtask test` those that need no systemd in
//! the guest, which then starts in seconds.

mod guest;
mod rows;

use anyhow::{Result, bail};
use guest::{Extent, Guest};
use libtest_mimic::{Arguments, Trial};
use rows::Row;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let extent = Extent::asked();
    if extent.is_none() && !arguments.list {
        println!("left out: {}", guest::NEEDS);
    }
    let table =
        move || extent.map_or(Ok(()), |extent| Ok(run(extent).map_err(|error| format!("{error:#}"))?));
    let trial = Trial::test("virsh::each_row_of_the_table_is_as_with_qemu_ga", table);
    let trial = trial.with_ignored_flag(extent.is_none());
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// One row of the printed table.
struct Seen {
    row: &'static Row,
    seen: Result<String>,
}

fn run(extent: Extent) -> Result<()> {
    let guest = Guest::boot(extent)?;
    let wanted = rows::ALL.iter().copied().flatten().filter(|row| extent == Extent::All || row.quick);
    let table: Vec<Seen> = wanted.map(|row| on(&guest, row)).collect();
    show(&table);
    let wrong = table.iter().filter(|line| line.seen.is_err()).count();
    if wrong > 0 {
        println!("--- the agent's log:\n{}", guest.agent_log());
        bail!("{wrong} of {} rows differ", table.len());
    }
    Ok(())
}

fn on(guest: &Guest, row: &'static Row) -> Seen {
    let start = std::time::Instant::now();
    let seen = (row.check)(guest);
    println!("    {} ({:.1} s)", row.command, start.elapsed().as_secs_f64());
    if let Err(error) = &seen {
        println!("    differs: {error:#}");
        // A row that failed half-way must not take the others with it.
        let _let_go_already = guest.inside("rm -f /run/slow");
        let _thawed_already = guest.virsh(&["domfsthaw", guest::NAME]);
    }
    Seen { row, seen }
}

fn show(table: &[Seen]) {
    println!("\n| virsh … | expected | seen | |\n|---|---|---|---|");
    for Seen { row, seen } in table {
        let (words, verdict) = match seen {
            Ok(seen) => (seen.clone(), "as expected"),
            Err(error) => (format!("{error:#}"), "DIFFERS"),
        };
        let words = words.trim().replace('\n', "; ").replace('|', "\\|");
        println!("| {} | {} | {words} | {verdict} |", row.command, row.expected);
    }
}
