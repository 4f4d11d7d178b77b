//! docs/protocol.md says what the code does, where both can be compared.

use infiniservice_protocol::action::{MAX_DAYS, MAX_LIST, SERVICE_STATES};
use infiniservice_protocol::{ActionName, HostMessage, parse_host_line};

const DOCS: &str = include_str!("../../../../docs/protocol.md");
const ERROR_CODES: &str = include_str!("../../src/error_code.rs");
const SIGNED: &str = include_str!("../../golden/signed.jsonl");

#[test]
fn every_action_stands_in_the_table_with_its_default_timeout() {
    for action in ActionName::ALL {
        let name = format!("`{action}`");
        let row =
            DOCS.lines().find(|line| line.starts_with('|') && line.contains(&name) && line.contains(" s |"));
        let row = row.unwrap_or_else(|| panic!("{action} is missing"));
        assert!(row.contains(&format!("| {} s |", action.default_timeout_secs())), "{row}");
        let note = if action.changes_packages() { "one at a time" } else { "" };
        assert!(row.contains(note) && row.ends_with("| reads |") == action.is_read_only(), "{row}");
    }
}

#[test]
fn every_error_code_is_named() {
    let codes = ERROR_CODES.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once('"'));
    let codes: Vec<_> = codes.map(|(code, _)| code).collect();
    assert!(codes.len() > 15);
    for code in codes {
        assert!(DOCS.contains(&format!("`{code}`")), "{code} is missing");
    }
}

#[test]
fn ranges_are_those_of_the_code() {
    assert!(DOCS.contains(&format!("an integer from 0 to {MAX_DAYS}")));
    assert!(DOCS.contains(&format!("Lists have 1 to {MAX_LIST} items")));
    for state in SERVICE_STATES {
        assert!(DOCS.contains(&format!("`{state}`")), "{state}");
    }
}

#[test]
fn the_examples_are_lines_of_the_wire() {
    assert!(DOCS.contains(SIGNED.trim_end()), "the signed example is not the golden line");
    let lines = DOCS.lines().filter(|line| line.starts_with("{\"type\":\"Safe"));
    let messages: Vec<_> = lines.map(parse_host_line).collect();
    assert!(matches!(messages.as_slice(), [Ok(HostMessage::SafeCommand(_))]), "{messages:?}");
}
