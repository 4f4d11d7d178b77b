//! What an agent holds over time, and whether it grows.

use anyhow::{Result, ensure};
use infiniservice_e2e::local::Held;
use std::time::Instant;

/// Growth of the resident set over the second half that is none, kB: the allocator's own breathing.
const RSS_SLACK_KB: u64 = 1024;
/// The same for descriptors and threads: a command that happens to run.
const FEW: u64 = 4;

/// Samples, with the minutes since the first.
#[derive(Default)]
pub struct Watch {
    begun: Option<Instant>,
    samples: Vec<(f64, Held)>,
}

/// One of what is held.
type Figure = fn(&Held) -> u64;

impl Watch {
    /// The table's head.
    pub const HEAD: &str = "| minute | resident set, kB | descriptors | threads |\n|---:|---:|---:|---:|";

    /// Takes one; its line of the table.
    pub fn sample(&mut self, held: Held) -> String {
        let minute = self.begun.get_or_insert_with(Instant::now).elapsed().as_secs_f64() / 60.0;
        self.samples.push((minute, held));
        format!("| {minute:.1} | {} | {} | {} |", held.rss_kb, held.descriptors, held.threads)
    }

    /// The highest of the last quarter against the highest of the second one: caches are full by then, and peaks compare
    /// with peaks.
    ///
    /// # Errors
    /// What has grown, and by how much.
    pub fn judge(&self) -> Result<()> {
        let quarter = self.samples.len() / 4;
        ensure!(quarter > 0, "too few samples: {}", self.samples.len());
        let highest = |from: usize, upto: usize, figure: Figure| {
            let held = self.samples.get(from..upto).unwrap_or_default().iter();
            held.map(|(_, held)| figure(held)).max().unwrap_or_default()
        };
        let figures: [(&str, Figure, u64); 3] = [
            ("resident set, kB", |held| held.rss_kb, RSS_SLACK_KB),
            ("descriptors", |held| held.descriptors, FEW),
            ("threads", |held| held.threads, FEW),
        ];
        for (what, figure, slack) in figures {
            let before = highest(quarter, 2 * quarter, figure);
            let after = highest(self.samples.len() - quarter, self.samples.len(), figure);
            println!("{what}: at most {before} in the second quarter, {after} in the last");
            ensure!(after <= before + slack, "{what} grew from {before} to {after}; {slack} would be none");
        }
        Ok(())
    }
}
