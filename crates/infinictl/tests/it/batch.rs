//! `infinictl batch` over a guest that is made up: what is sent, what is shown as it comes, and what it exits with.

use crate::command::{code, err, infinictl, on, out};
use crate::support::{FakeGuest, answers};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use tempfile::NamedTempFile;

/// A guest that answers each command of a batch by its action, then the batch.
fn guest() -> FakeGuest {
    FakeGuest::scripted(b"\n".to_vec(), Box::new(answer))
}

fn answer(message: &Value) -> Vec<String> {
    let Some(commands) = message["commands"].as_array() else { return Vec::new() };
    let (mut lines, mut outcomes) = (Vec::new(), Vec::new());
    for command in commands {
        let (id, action) = (command["id"].as_str().unwrap(), command["command_type"]["action"].as_str());
        let fields = match action {
            Some("ServiceList") => json!({"success": true, "data": [{"name": "ssh"}]}),
            Some("Late") => {
                json!({"success": false, "data": {}, "error": "too slow", "error_code": "TIMEOUT"})
            }
            Some(_) => {
                json!({"success": false, "data": {}, "error": "no such action", "error_code": "UNKNOWN_ACTION"})
            }
            None => json!({"success": true, "data": {}, "stdout": "hi"}),
        };
        let mut outcome = json!({"id": id, "success": fields["success"]});
        if let Some(code) = fields.get("error_code") {
            outcome["error_code"] = code.clone();
        }
        lines.push(answers::response(id, action.unwrap_or("UnsafeCommand"), fields));
        outcomes.push(outcome);
    }
    let success = outcomes.iter().all(|outcome| outcome["success"] == true);
    let result = json!({"type": "batch_result", "id": message["id"], "success": success, "outcomes": outcomes,
        "execution_time_ms": 3, "timestamp": "2026-11-23T06:30:00.000Z"});
    lines.push(result.to_string());
    lines
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const LIST: &str = "{\"command_type\":{\"action\":\"ServiceList\"},\"timeout\":7}\n";
const RAW: &str = "{\"raw_command\":\"echo hi\",\"id\":\"raw\"}\n";

#[test]
fn the_commands_of_a_file_are_one_line_and_each_result_is_shown() {
    let guest = guest();
    let file = file(&format!("{LIST}{RAW}"));
    let path = file.path().to_str().unwrap();
    let output = on(&guest, &["batch", path, "--parallel", "--keep-going", "--timeout", "9"]);
    assert_eq!((code(&output), err(&output)), (0, String::new()));
    let sent: Value = serde_json::from_str(&guest.lines()[0]).unwrap();
    assert_eq!(
        (&sent["type"], &sent["mode"], &sent["on_error"], &sent["timeout"]),
        (&json!("Batch"), &json!("parallel"), &json!("continue"), &json!(9))
    );
    assert_eq!((&sent["commands"][0]["timeout"], &sent["commands"][1]["id"]), (&json!(7), &json!("raw")));
    let shown = out(&output);
    assert!(shown.contains("ServiceList done in") && shown.contains("\"name\": \"ssh\""), "{shown}");
    assert!(shown.ends_with("raw: UnsafeCommand done in 3.00 ms\nhi\n"), "{shown}");
}

#[test]
fn programs_get_each_line_as_it_came_and_the_result_last() {
    let file = file(&format!("[{},{}]", LIST.trim(), RAW.trim()));
    let output = on(&guest(), &["--json", "batch", file.path().to_str().unwrap()]);
    let shown = out(&output);
    let types: Vec<_> = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["response", "response", "batch_result"]);
}

#[test]
fn the_exit_code_is_that_of_the_worst() {
    let bogus = "{\"command_type\":{\"action\":\"Bogus\"}}\n";
    let late = "{\"command_type\":{\"action\":\"Late\"}}\n";
    for (text, wanted) in [(LIST.to_owned(), 0), (format!("{LIST}{bogus}"), 1), (format!("{late}{LIST}"), 4)]
    {
        let file = file(&text);
        let output = on(&guest(), &["batch", file.path().to_str().unwrap()]);
        assert_eq!(code(&output), wanted, "{text}");
        assert_eq!(err(&output).contains("1 of 2 commands failed"), wanted > 0, "{}", err(&output));
    }
}

#[test]
fn a_batch_that_is_refused_is_said_so() {
    let refuse = |message: &Value| {
        let fields =
            json!({"success": false, "data": {}, "error": "there is no room", "error_code": "QUEUE_FULL"});
        vec![answers::response(message["id"].as_str().unwrap(), "Batch", fields)]
    };
    let file = file(LIST);
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(refuse));
    let output = on(&guest, &["batch", file.path().to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("Batch failed: there is no room (QUEUE_FULL)"), "{}", err(&output));
}

#[test]
fn standard_input_is_read_and_what_is_wrong_in_it_is_told_before_anything_is_sent() {
    let guest = guest();
    let mut command = infinictl(&["batch", "-", "--socket"]);
    let mut child = command
        .arg(&guest.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = format!("{LIST}\n{{\"raw_command\":7}}\n");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 2);
    let said = err(&output);
    assert!(
        said.contains("standard input: line 3: `raw_command` must be a string, not the number 7"),
        "{said}"
    );
    assert!(guest.lines().is_empty(), "{:?}", guest.lines());
    let absent = on(&guest, &["batch", "/nonexistent/file"]);
    assert_eq!(code(&absent), 1);
    assert!(err(&absent).contains("cannot read /nonexistent/file"), "{}", err(&absent));
}
