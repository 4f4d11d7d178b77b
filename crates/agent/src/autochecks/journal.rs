//! The kernel's log since boot, from the journal's JSON (`journalctl(1)`, `systemd.journal-fields(7)`).

use crate::commands::runner::Request;
use crate::one_line::blanked;
use serde_json::Value;

/// So many lines are looked at, the newest first.
const MAX_LINES: &str = "2000";

/// One line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The text, control characters as blanks.
    pub message: String,
    /// Seconds since 1970.
    pub at_secs: u64,
}

/// Asks for the warnings and worse of the kernel since boot.
pub fn request() -> Request {
    let fields = "--output-fields=MESSAGE";
    Request::new(
        "journalctl",
        ["-k", "-b", "-p", "warning", "-o", "json", fields, "-r", "-n", MAX_LINES, "--no-pager", "-q"],
    )
}

/// Reads what came; a line that is not understood, such as a last one that was cut, is passed over.
pub fn parse(output: &str) -> Vec<Entry> {
    output.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let line: Value = serde_json::from_str(line).ok()?;
    let micros: u64 = line.get("__REALTIME_TIMESTAMP")?.as_str()?.parse().ok()?;
    Some(Entry { message: message(line.get("MESSAGE")?)?, at_secs: micros / 1_000_000 })
}

/// A text; a list of bytes where it is no valid UTF-8; a list of texts where the field stands there twice.
fn message(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_u64) => {
            let bytes: Vec<u8> = items.iter().filter_map(|item| u8::try_from(item.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Value::Array(items) => items.first()?.as_str()?.to_owned(),
        _ => return None,
    };
    Some(blanked(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORDED: &str = include_str!("../../tests/fixtures/autochecks/journalctl-252-linux-6.1.json");

    #[test]
    fn a_recorded_log_is_read_line_by_line() {
        let entries = parse(RECORDED);
        assert_eq!(entries.len(), RECORDED.lines().count());
        assert!(entries.iter().all(|entry| entry.at_secs > 1_700_000_000 && !entry.message.is_empty()));
    }

    #[test]
    fn messages_that_are_no_text_are_read_and_a_cut_line_is_passed_over() {
        let lines = "{\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":[104,105,27,255]}\n\
                     {\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":[\"one\",\"two\"]}\n\
                     {\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"MESSAGE\":null}\n\
                     {\"__REALTIME_TIMESTAMP\":\"17000";
        let texts: Vec<_> = parse(lines).into_iter().map(|entry| entry.message).collect();
        assert_eq!(texts, ["hi \u{fffd}", "one"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_or_a_control_character(text in "\\PC*", raw: Vec<u8>) {
            let line = serde_json::json!({ "__REALTIME_TIMESTAMP": "1", "MESSAGE": raw }).to_string();
            let _ = parse(&text);
            prop_assert!(parse(&line).iter().all(|entry| !entry.message.chars().any(char::is_control)));
        }
    }
}
