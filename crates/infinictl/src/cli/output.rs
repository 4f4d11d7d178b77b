//! Standard output: tables for people, JSON for programs.

use super::columns::columns;
use super::error::CliError;
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
