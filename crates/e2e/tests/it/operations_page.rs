//! `docs/operations.md` does not drift: the tests that it names are there, and what it quotes is in the sources.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::{binary, operations};
use std::fs;
use std::path::Path;

/// What others say, and no source of ours holds.
const OF_OTHERS: &[&str] = &["infiniservice.service: Watchdog timeout (limit "];
/// Pieces of quotations that only stand for what the test brings about.
const OF_TESTS: &[&str] = &[
    "org.infinibay.agnet",
    "org.qemu.guest_agent.1.",
    "65534",
    "sleep (pid",
    "python3 (pid",
    "config.toml:1",
    "1 s",
];
/// A piece shorter than this occurs everywhere.
const MIN_PIECE_CHARS: usize = 6;

/// All Rust sources below `directory`, with texts that are continued on the next line in one.
fn sources(directory: &Path, into: &mut String) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let mut pieces = text.split("\\\n");
            into.push_str(pieces.next().unwrap_or_default());
            pieces.for_each(|piece| into.push_str(piece.trim_start()));
        }
    }
    Ok(())
}

fn spoken() -> Result<String> {
    let mut text = String::new();
    for part in
        ["agent", "actions", "channel", "collector", "exec", "platform", "link", "protocol", "infinictl"]
    {
        sources(&binary::workspace().join("crates").join(part).join("src"), &mut text)?;
    }
    Ok(text)
}

/// The words of a quotation that a format string cannot have put there. What a source writes as `{name}` may be anything.
fn in_sources(quotation: &str, spoken: &str) -> bool {
    let piece = |piece: &str| {
        let ours = piece.trim();
        ours.chars().count() < MIN_PIECE_CHARS
            || OF_TESTS.iter().any(|other| ours.contains(other))
            || spoken.contains(ours)
    };
    quotation
        .split(operations::ANYTHING)
        .all(|part| piece(part) || part.split([':', '(', ',', ';']).all(piece))
}

#[test]
fn every_test_that_a_symptom_names_is_there() -> Result<()> {
    let mut machine = String::new();
    sources(&binary::workspace().join("crates/e2e/tests"), &mut machine)?;
    let rows = operations::rows()?;
    ensure!(rows.len() > 25, "only {} rows were found", rows.len());
    for row in rows {
        for test in &row.tests {
            let scenario = test.contains("::");
            let listed = if scenario { format!("(\"{test}\", ") } else { format!("fn {test}()") };
            ensure!(
                machine.contains(&listed),
                "docs/operations.md names {test} for {:?}: no such test",
                row.symptom
            );
            let looks = machine.matches(&format!("\"{test}\"")).count();
            ensure!(looks > usize::from(scenario), "{test} never asks for what its row quotes");
        }
    }
    Ok(())
}

#[test]
fn every_quotation_of_a_symptom_is_in_the_sources() -> Result<()> {
    let spoken = spoken()?;
    for row in operations::rows()? {
        ensure!(!row.said.is_empty(), "{:?} quotes nothing", row.symptom);
        for quotation in row.said {
            let others = OF_OTHERS.iter().any(|other| quotation.starts_with(other));
            ensure!(
                others || in_sources(&quotation, &spoken),
                "{:?} quotes {quotation:?}: nobody says so",
                row.symptom
            );
        }
    }
    Ok(())
}

#[test]
fn every_line_to_watch_for_is_in_the_sources() -> Result<()> {
    let page = fs::read_to_string(binary::workspace().join("docs/operations.md"))?;
    let chapter =
        page.split("\n## Watching").nth(1).and_then(|rest| rest.split("\n## ").next()).context("Watching")?;
    let spoken = spoken()?;
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| `")).collect::<Vec<_>>();
    ensure!(rows.len() > 10, "only {} lines were found", rows.len());
    for row in rows {
        let first = row.split(" | ").next().unwrap_or_default();
        for quotation in first.split('`').step_by(2).filter(|text| text.len() >= MIN_PIECE_CHARS) {
            ensure!(in_sources(quotation, &spoken), "{quotation:?} is said by nobody");
        }
    }
    Ok(())
}

#[test]
fn what_nobody_says_is_found() -> Result<()> {
    let spoken = spoken()?;
    ensure!(in_sources("heartbeat … was not answered within … s; reconnecting", &spoken), "said");
    ensure!(!in_sources("heartbeat … was not replied to", &spoken), "not said");
    Ok(())
}
