//! The rows of the table, in the order in which they run. What is expected was seen with `qemu-ga` in this agent's place.

mod changes;
mod channel;
mod credentials;
mod freezing;
mod frozen;
mod power;
mod reads;
mod trouble;

use crate::guest::Guest;
use anyhow::{Context, Result};

/// One row: what virsh does, and what is to be seen.
pub struct Row {
    /// As a person would type it, without the domain's name.
    pub command: &'static str,
    /// What is to be seen.
    pub expected: &'static str,
    /// Whether it needs no systemd in the guest.
    pub quick: bool,
    /// Does it; what was seen.
    pub check: fn(&Guest) -> Result<String>,
}

impl Row {
    const fn new(command: &'static str, expected: &'static str, check: fn(&Guest) -> Result<String>) -> Self {
        Self { command, expected, quick: true, check }
    }

    /// It needs systemd, or a start of the machine, which takes a minute.
    const fn slow(self) -> Self {
        Self { quick: false, ..self }
    }
}

/// The rows. The machine ends in the last of them.
pub const ALL: &[&[Row]] = &[
    channel::ROWS,
    reads::ROWS,
    changes::ROWS,
    freezing::ROWS,
    frozen::ROWS,
    credentials::ROWS,
    trouble::ROWS,
    power::ROWS,
];

/// The line of a text that begins with these words, with single blanks.
fn line(text: &str, begin: &str) -> Result<String> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .into_iter()
        .find(|line| line.starts_with(begin))
        .with_context(|| format!("no line `{begin}` in:\n{text}"))
}
