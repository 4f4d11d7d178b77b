//! Standard output: tables for people, out of text that is cleaned here, and JSON for programs.

use super::error::CliError;
use crate::sys::columns;
use crate::text::sanitize;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Row, Table};
use std::io::{IsTerminal, Write, stdout};

/// Of a terminal that does not know how wide it is, such as a serial line.
const COLUMNS: u16 = 80;

/// How results are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Output {
    /// JSON instead of tables.
    pub(super) json: bool,
    /// Whether colours may be used.
    pub(super) colour: bool,
    /// Columns of the terminal; `None` where the output is none.
    pub(super) width: Option<u16>,
}

impl Output {
    /// By the flags, the environment and what standard output is.
    pub(super) fn new(json: bool, no_color: bool) -> Self {
        let terminal = stdout().is_terminal();
        let refused = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = terminal.then(|| columns().unwrap_or(COLUMNS));
        Self { json, colour: terminal && !refused, width }
    }

    /// Prints text that is clean already, and ends its line.
    #[allow(clippy::unused_self, reason = "printing is what an output is for")]
    pub(super) fn text(self, text: &str) -> Result<(), CliError> {
        let mut out = stdout().lock();
        writeln!(out, "{}", text.trim_end_matches('\n'))?;
        Ok(out.flush()?)
    }

    /// Prints a JSON document as it came from the guest, in ASCII.
    pub(super) fn document(self, json: &str) -> Result<(), CliError> {
        self.text(&ascii_json(json))
    }
}

/// The same JSON without a character that a terminal would act upon: all but printable ASCII stands inside strings
/// (or is white space between them), and is escaped there.
pub(super) fn ascii_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' => out.push(c),
            '\t' | '\r' | '\n' => out.push(' '),
            _ => escape(c, &mut out),
        }
    }
    out
}

fn escape(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str("\\u");
        out.extend(
            [12, 8, 4, 0].map(|shift| char::from_digit(u32::from(*unit >> shift & 0xf), 16).unwrap_or('0')),
        );
    }
}

/// Most characters of one cell; where the terminal is narrower, that holds.
const MAX_CELL_CHARS: usize = 200;

/// Most rows that are shown: a row takes a few kilobytes, and the guest decides how many there are.
const MAX_ROWS: usize = 10_000;

/// A table that grows row by row.
pub(super) struct Columns {
    left_out: usize,
    table: Table,
    out: Output,
}

impl Columns {
    /// With these headings.
    pub(super) fn new(out: Output, headings: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_truncation_indicator("…");
        // The table is not to ask the terminal itself: one that does not know says that it has no columns at all.
        table.force_no_tty();
        if out.colour {
            table.enforce_styling();
        }
        if let Some(width) = out.width {
            table.set_width(width);
        }
        let heading = |name: &&str| Cell::new(name.to_uppercase()).add_attribute(Attribute::Bold);
        table.set_header(headings.iter().map(heading).collect::<Vec<_>>());
        Self { left_out: 0, table, out }
    }

    /// Adds a row of one line; what does not fit is cut.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        if self.is_full() {
            return;
        }
        let mut row = Row::from(cells.into_iter().collect::<Vec<_>>());
        if self.out.width.is_some() {
            row.max_height(1);
        }
        self.table.add_row(row);
    }

    /// Adds a row whose texts may go on in the next line.
    pub(super) fn tall_row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        if !self.is_full() {
            self.table.add_row(cells.into_iter().collect::<Vec<_>>());
        }
    }

    /// Whether a row more is one too many; it is counted.
    fn is_full(&mut self) -> bool {
        let full = self.table.row_count() >= MAX_ROWS;
        self.left_out += usize::from(full);
        full
    }

    /// The table as lines, without blanks at their ends.
    pub(super) fn finish(mut self) -> String {
        self.table.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        let mut lines: Vec<String> = self.table.lines().map(|line| line.trim_end().to_owned()).collect();
        if self.left_out > 0 {
            lines.push(format!("and {} more rows; --json shows all of them", self.left_out));
        }
        lines.join("\n")
    }
}

/// A cell of the guest's text.
pub(super) fn text(content: &str) -> Cell {
    Cell::new(sanitize::fit(content, MAX_CELL_CHARS))
}

/// A figure, aligned to the right.
pub(super) fn number(content: impl ToString) -> Cell {
    Cell::new(content).set_alignment(CellAlignment::Right)
}

/// A figure that may be absent.
pub(super) fn optional(content: Option<impl ToString>) -> Cell {
    number(content.map_or_else(|| "-".to_owned(), |content| content.to_string()))
}

/// A state: green for what works, red for what does not, yellow for what is under way.
pub(super) fn state(content: &str) -> Cell {
    let cell = text(content);
    match content {
        "running" | "enabled" | "auto" | "yes" | "up" | "passed" | "installed" => cell.fg(Color::Green),
        "failed" | "zombie" | "no" | "critical" | "security" => cell.fg(Color::Red),
        "starting" | "stopping" | "reloading" | "disk_sleep" | "warning" => cell.fg(Color::Yellow),
        _ => cell,
    }
}

/// A word of our own in a colour of `console_codes(4)`, where colours are wanted.
pub(super) fn paint(word: &str, colour: u8, out: Output) -> String {
    if out.colour { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
}

/// Names and values below each other.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {}", sanitize::brief(value));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn json_is_ascii_and_means_the_same() {
        let said = json!({"name": "\u{1b}[2J \u{9b}\u{7f} \u{202e}é 😀"});
        let shown = ascii_json(&said.to_string());
        assert!(shown.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), said);
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            let shown = ascii_json(&json!([text]).to_string());
            prop_assert!(shown.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), json!([text]));
        }
    }
}
