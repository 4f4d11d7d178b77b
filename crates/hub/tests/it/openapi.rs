//! The description of the API is what a real hub does: each request that it has is made, and each answer is as it says.

use crate::support::{Host, PATIENCE};
use crate::validate::valid;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// An answer, as it came.
struct Answer {
    status: String,
    kind: String,
    body: String,
}

/// Makes a request, as curl would, and reads the answer; of one that does not end, its beginning.
async fn ask(host: &Host, method: &str, address: &str, head: &str, body: &str) -> Answer {
    let mut stream = UnixStream::connect(host.path("api.sock")).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {address} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let is_whole = |text: &str| {
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        length.is_none_or(|length| body.len() >= length.parse().unwrap())
    };
    let read = async {
        while !is_whole(&String::from_utf8_lossy(&bytes)) {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{method} {address}: no answer"));
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    let status = head.split(' ').nth(1).unwrap();
    Answer { status: status.to_owned(), kind: kind.to_owned(), body: body.to_owned() }
}

/// Requests that are done, by their names in the description, with their addresses and bodies.
fn good() -> Vec<(&'static str, &'static str, Value)> {
    let list = json!({"type": "SafeCommand", "command_type": {"action": "ServiceList"}});
    vec![
        ("health", "/healthz", Value::Null),
        ("metrics", "/metrics", Value::Null),
        ("description", "/v1/openapi.json", Value::Null),
        ("machines", "/v1/vms?select=name%3Dweb", Value::Null),
        ("machine", "/v1/vms/web", Value::Null),
        ("list", "/v1/vms/web/lists/services", Value::Null),
        ("command", "/v1/vms/web/commands?wait=60", list.clone()),
        ("events", "/v1/events", Value::Null),
        ("start", "/v1/jobs", json!({"id": "j", "vms": "web", "message": list, "max_failures": "5%"})),
        ("jobs", "/v1/jobs", Value::Null),
        ("job", "/v1/jobs/j?results=true", Value::Null),
        ("cancel", "/v1/jobs/j/cancel", Value::Null),
    ]
}

/// Those that are refused.
fn bad() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("metrics", "/metrics?names=cats", Value::Null),
        ("machines", "/v1/vms?select=cats%3D1", Value::Null),
        ("machine", "/v1/vms/nobody", Value::Null),
        ("list", "/v1/vms/web/lists/cats", Value::Null),
        ("command", "/v1/vms/web/commands?wait=0", json!({})),
        ("events", "/v1/events?last=0", Value::Null),
        ("start", "/v1/jobs", json!({"vms": "web", "message": {}})),
        ("job", "/v1/jobs/nothing", Value::Null),
        ("cancel", "/v1/jobs/nothing/cancel", Value::Null),
        ("wire", "/v1/vms/web/wire", Value::Null),
    ]
}

/// The operations of a description by their names: the method, and what it says of them.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().unwrap().values();
    let all = paths.flat_map(|methods| methods.as_object().unwrap().iter());
    all.map(|(method, it)| {
        (it["operationId"].as_str().unwrap().to_owned(), method.to_uppercase(), it.clone())
    })
    .collect()
}

fn is_described(description: &Value, operation: &Value, answer: &Answer) -> bool {
    let said = &operation["responses"][&answer.status]["content"];
    let kind = answer.kind.split(';').next().unwrap();
    let Some(schema) = said.get(kind).map(|content| &content["schema"]) else { return false };
    match kind {
        "application/json" => valid(description, schema, &serde_json::from_str(&answer.body).unwrap()),
        _ => schema["type"] == "string",
    }
}

#[tokio::test]
async fn every_request_of_the_description_is_answered_as_it_says() {
    let (host, _guests) = Host::with(&["web"]).await;
    let served = ask(&host, "GET", "/v1/openapi.json", "", "").await.body;
    let description: Value = serde_json::from_str(&served).unwrap();
    let file =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json")).unwrap();
    assert_eq!(served, file);
    let operations = operations(&description);
    let mut done = BTreeSet::new();
    for (requests, is_good) in [(good(), true), (bad(), false)] {
        for (name, address, body) in requests {
            let found = operations.iter().find(|(id, ..)| id == name);
            let (_, method, operation) = found.unwrap_or_else(|| panic!("{name} is not described"));
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let answer = ask(&host, method, address, "", &body).await;
            assert_eq!(answer.status.starts_with('2'), is_good, "{name}: {}", answer.body);
            let described = is_described(&description, operation, &answer);
            assert!(described, "{name}: {} {} {}", answer.status, answer.kind, answer.body);
            done.insert(name.to_owned());
        }
    }
    for (name, address) in [("machines", "/v1/vms"), ("events", "/v1/events?after=0")] {
        let answer = ask(&host, "GET", address, "Accept: text/event-stream\r\n", "").await;
        let (.., operation) = operations.iter().find(|(id, ..)| id == name).unwrap();
        assert!(is_described(&description, operation, &answer), "{name}: {}", answer.kind);
    }
    assert_eq!(done, operations.into_iter().map(|(name, ..)| name).collect());
}

#[tokio::test]
async fn the_wire_is_served_to_who_asks_for_it() {
    let (host, _guests) = Host::with(&["web"]).await;
    let wire = host.api().wire("web").await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(wire);
    writer.write_all(b"{\"type\":\"keep_alive_request\",\"sequence_number\":7}\n").await.unwrap();
    writer.flush().await.unwrap();
    let mut bytes = Vec::new();
    let pong = async {
        while !String::from_utf8_lossy(&bytes).contains("\"sequence_number\":7") {
            assert!(reader.read_buf(&mut bytes).await.unwrap() > 0);
        }
    };
    tokio::time::timeout(PATIENCE, pong).await.expect("a pong");
}
