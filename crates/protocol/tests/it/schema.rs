//! The schemas under docs/schema are those of the code. `BLESS=1 cargo test -p infiniservice-protocol` writes them anew.

use crate::validate::valid;
use infiniservice_protocol::{ActionName, schema};
use serde_json::Value;
use std::path::Path;

/// The lines of a golden file.
fn golden(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_code() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (name, schema) in schema::all() {
        let path = dir.join(name);
        let text = format!("{schema:#}\n");
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{} is stale: run with BLESS=1 and commit it", path.display());
    }
}

#[test]
fn every_action_has_a_schema_of_its_data() {
    let data = schema::response_data();
    for action in ActionName::ALL {
        assert!(data["properties"][action.name()].is_object(), "{action}");
    }
}

#[test]
fn every_golden_line_is_what_its_schema_says() {
    let files = [
        (
            "guest",
            vec![
                "guest.jsonl",
                "system_metrics.jsonl",
                "responses.jsonl",
                "refused.jsonl",
                "z.jsonl",
                "sealed_guest.jsonl",
            ],
        ),
        ("host", vec!["host.jsonl", "signed.jsonl", "sealed_host.jsonl"]),
    ];
    for (side, names) in files {
        let schema = if side == "guest" { schema::guest() } else { schema::host() };
        for line in names.into_iter().flat_map(golden) {
            assert!(valid(&schema, &schema, &line), "the {side}'s schema refuses {line}");
        }
    }
}

#[test]
fn the_schema_of_the_host_refuses_what_the_agent_refuses() {
    let schema = schema::host();
    for line in [
        r#"{"type":"Reboot"}"#,
        r#"{"type":"Metrics","id":7}"#,
        r#"{"type":"Metrics","id":""}"#,
        r#"{"type":"SafeCommand","id":"x"}"#,
        r#"{"type":"SafeCommand","id":"x","command_type":{"action":"Dance"}}"#,
        r#"{"type":"SafeCommand","id":"x","command_type":{"action":"ServiceList"},"timeout":-1}"#,
        r#"{"type":"KeepAliveResponse","sequence_number":9007199254740992}"#,
    ] {
        let line = serde_json::from_str(line).unwrap();
        assert!(!valid(&schema, &schema, &line), "{line}");
    }
}

#[test]
fn each_action_s_golden_data_is_what_its_schema_says() {
    let schema = schema::response_data();
    let responses = golden("responses.jsonl");
    assert_eq!(responses.len(), ActionName::ALL.len());
    for response in responses {
        let action = response["command_type"].as_str().unwrap();
        assert!(valid(&schema, &schema["properties"][action], &response["data"]), "{action}");
        assert!(!valid(&schema, &schema["properties"][action], &Value::Null), "{action}");
    }
}
