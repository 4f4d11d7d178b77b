//! The table, as Markdown that is readable in a terminal too.

use std::fmt;
use std::time::Duration;

/// One figure.
#[derive(Default)]
pub struct Row {
    cells: [String; 4],
    verdict: String,
}

impl Row {
    /// A figure's name with its unit.
    pub fn new(what: &str) -> Self {
        Self { cells: [what.to_owned(), String::new(), String::new(), String::new()], verdict: String::new() }
    }

    /// The agent's value and what it is compared with.
    pub fn texts(mut self, ours: &str, theirs: &str) -> Self {
        ours.clone_into(&mut self.cells[1]);
        theirs.clone_into(&mut self.cells[2]);
        self
    }

    /// The same for two counts, with their ratio.
    pub fn beside(self, ours: u64, theirs: u64) -> Self {
        self.texts(&ours.to_string(), &theirs.to_string()).ratio(ours as f64 / theirs as f64)
    }

    /// Ours by theirs.
    pub fn ratio(mut self, ratio: f64) -> Self {
        self.cells[3] = format!("{ratio:.2}");
        self
    }

    /// A target, and whether it was reached.
    pub fn reached(mut self, target: &str, reached: bool) -> Self {
        self.verdict = format!("{target}: {}", if reached { "reached" } else { "missed" });
        self
    }

    /// A target for the agent's own count.
    pub fn below(self, limit: f64) -> Self {
        let reached = self.cells[1].parse::<f64>().is_ok_and(|value| value < limit);
        self.reached(&format!("< {limit}"), reached)
    }
}

/// All figures of a run.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a row, and shows it at once: a run takes minutes.
    pub fn row(&mut self, row: Row) {
        eprintln!("  {}: {} | {} {}", row.cells[0], row.cells[1], row.cells[2], row.verdict);
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| figure | infiniservice | qemu-ga, or as named | ratio | target |\n|---|--:|--:|--:|---|"
        )?;
        for Row { cells: [what, ours, theirs, ratio], verdict } in &self.0 {
            writeln!(f, "| {what} | {ours} | {theirs} | {ratio} | {verdict} |")?;
        }
        Ok(())
    }
}

/// Milliseconds with three digits.
pub fn millis(time: Duration) -> String {
    millis_number(time.as_secs_f64() * 1e3)
}

/// The same of a number of milliseconds.
pub fn millis_number(ms: f64) -> String {
    format!("{ms:.3}")
}

/// At most three digits behind the point.
pub fn decimal(number: f64) -> String {
    format!("{number:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One digit behind the point.
pub fn count(number: f64) -> String {
    format!("{number:.1}")
}
