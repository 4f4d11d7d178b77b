//! docs/protocol.md says what the code does, where both can be compared.

use infiniservice_protocol::action::{Effect, MAX_DAYS, MAX_LIST, Platforms, SERVICE_STATES};
use infiniservice_protocol::{ActionName, HostMessage, parse_host_line};
use std::path::Path;

const DOCS: &str = include_str!("../../../../docs/protocol.md");
const BEGIN: &str = "<!-- generated from crates/protocol/src/action/table.rs: begin -->\n";
const HEAD: &str = "| action | parameters | default timeout | |\n|---|---|---|---|\n";
const END: &str = "<!-- generated: end -->\n";
const ERROR_CODES: &str = include_str!("../../src/error_code.rs");
const SIGNED: &str = include_str!("../../golden/signed.jsonl");

#[test]
fn the_actions_of_the_page_are_those_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = found.split_once(BEGIN).expect("the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("the mark where it ends");
    let rows: String = ActionName::ALL.map(row).concat();
    let wanted = format!("{before}{BEGIN}{HEAD}{rows}{END}{after}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == wanted, "docs/protocol.md is stale: run with BLESS=1");
}

fn row(action: ActionName) -> String {
    let facts = action.facts();
    let platform = if facts.platforms == Platforms::Linux { " (Linux)" } else { "" };
    let parameters = facts.parameters.iter().map(|one| {
        let mark = if one.required { "" } else { "?" };
        format!("`{}`{mark}", one.name)
    });
    let note = match facts.effect {
        Effect::Reads => "reads",
        Effect::Changes => facts.exception.unwrap_or_default(),
        Effect::ChangesPackages | Effect::EndsTheMachine => "one at a time",
    };
    let cells = [
        format!("`{action}`{platform}"),
        parameters.collect::<Vec<_>>().join(", "),
        format!("{} s", facts.default_timeout_secs),
        note.to_owned(),
    ];
    let cells = cells.map(|cell| if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") });
    format!("|{}\n", cells.concat())
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
