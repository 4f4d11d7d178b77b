//! `infinictl --trace`: a place in a trace goes with each request, and where the time went is told.

use crate::command::{code, err, infinictl, on, out};
use crate::support::{FakeGuest, answers};
use serde_json::{Value, json};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A guest that tells of each traced command that it waited and ran a program.
fn guest() -> FakeGuest {
    let script = |message: &Value| {
        let steps = json!([{"name": "queue", "start_ms": 0, "end_ms": 2}, {"name": "program", "start_ms": 2, "end_ms": 42}]);
        let trace = json!({"traceparent": message["traceparent"], "received_offset_ms": 0,
            "started": "2026-11-23T06:29:58.900Z", "ended": "2026-11-23T06:29:58.942Z", "steps": steps});
        let mut fields = json!({"success": true, "data": {}, "stdout": "hi\n"});
        if message.get("traceparent").is_some() {
            fields["trace"] = trace;
        }
        vec![answers::response(message["id"].as_str().unwrap_or_default(), "UnsafeCommand", fields)]
    };
    FakeGuest::scripted(b"\n".to_vec(), Box::new(script))
}

fn sent(guest: &FakeGuest) -> Value {
    serde_json::from_str(&guest.lines()[0]).unwrap()
}

#[test]
fn a_new_trace_is_made_and_its_steps_are_told_beside_the_output() {
    let guest = guest();
    let output = on(&guest, &["exec", "echo hi", "--trace"]);
    assert_eq!((code(&output), out(&output).as_str()), (0, "hi\n"));
    let parent = sent(&guest)["traceparent"].as_str().unwrap().to_owned();
    assert_eq!(parent.len(), 55);
    let said = err(&output);
    assert!(said.starts_with(&format!("trace {}: ", &parent[3..35])), "{said}");
    assert!(said.contains("  program      40 ms, from 2 ms to 42 ms"), "{said}");
    let quiet = on(&guest, &["exec", "echo hi"]);
    assert_eq!(err(&quiet), "");
}

#[test]
fn the_callers_trace_is_gone_on_with_and_a_malformed_one_is_wrong_usage() {
    let guest = guest();
    let mut command = infinictl(&["exec", "true", "--trace", "--socket"]);
    let output =
        command.arg(&guest.path).env("TRACEPARENT", PARENT).env("TRACESTATE", "v=1").output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!((&sent(&guest)["traceparent"], &sent(&guest)["tracestate"]), (&json!(PARENT), &json!("v=1")));
    let mut command = infinictl(&["exec", "true", "--trace", "--socket"]);
    let output = command.arg(&guest.path).env("TRACEPARENT", "00-no").output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("TRACEPARENT is not a traceparent"), "{}", err(&output));
}

#[test]
fn a_guest_that_knows_nothing_of_traces_is_said_to() {
    let output = on(&FakeGuest::proper(), &["process", "list", "--trace"]);
    assert_eq!(code(&output), 0);
    assert!(err(&output).contains("the guest's agent tells nothing of it"), "{}", err(&output));
}
