//! What one line of a hostile guest may cost the host: the command runs with a bound on its memory, and must not die of it.

use crate::command::{code, err, infinictl};
use crate::support::FakeGuest;
use crate::support::qga::FakeQga;
use std::path::Path;
use std::process::{Command, Output};

/// What the command may take, its threads' stacks and its own tables included. Lines of 4 MiB that are read without
/// a bound take 340 to 860 MB.
const MAX_DATA_BYTES: u64 = 200 << 20;
/// Just below the longest line.
const LINE_BYTES: usize = 4 << 20;

/// The command on a guest that answers each request with `line` (where `ID` stands for the request's id).
fn against(line: String, args: &[&str]) -> Output {
    against_lines(vec![line], args)
}

fn against_lines(lines: Vec<String>, args: &[&str]) -> Output {
    let script = move |message: &serde_json::Value| {
        let id = message["id"].as_str().unwrap_or_default();
        lines.iter().map(|line| line.replacen("ID", id, 1)).collect()
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    bounded(&guest.path, args)
}

/// The command with the bound on its memory.
fn bounded(socket: &Path, args: &[&str]) -> Output {
    let inner = infinictl(args);
    let mut bounded = Command::new("/usr/bin/prlimit");
    bounded
        .env_clear()
        .arg(format!("--data={MAX_DATA_BYTES}"))
        .arg(inner.get_program())
        .args(inner.get_args());
    bounded.arg("--socket").arg(socket).output().unwrap()
}

/// As many of `item` as fit into the line.
fn many(item: &str) -> String {
    vec![item; LINE_BYTES / (item.len() + 1)].join(",")
}

fn metrics(member: &str, item: &str) -> String {
    let whole = crate::support::answers::metrics(Some("ID"));
    let mut message: serde_json::Value = serde_json::from_str(&whole).unwrap();
    message["data"][member] = "HERE".into();
    message.to_string().replacen("\"HERE\"", &format!("[{}]", many(item)), 1)
}

fn response(action: &str, data: &str) -> String {
    crate::support::answers::ok("ID", action, &"HERE".into()).replacen("\"HERE\"", data, 1)
}

/// The command ended by itself, and if it could not show the answer it said why.
fn assert_survived(output: &Output) {
    assert!(output.status.code().is_some(), "{:?}: {}", output.status, err(output));
    let said = err(output);
    assert!(code(output) == 0 || said.contains("would take more than"), "{said}");
}

#[test]
fn processes_that_are_empty_lists_cost_no_memory_to_speak_of() {
    assert_survived(&against(metrics("processes", "[]"), &["metrics", "--wait", "3"]));
    assert_survived(&against(metrics("services", "{}"), &["metrics", "--wait", "3"]));
}

#[test]
fn objects_that_are_small_and_many_cost_no_memory_to_speak_of() {
    let list = format!(r#"{{"count":1,"processes":[{}]}}"#, many(r#"{"":0}"#));
    assert_survived(&against(response("ProcessList", &list), &["process", "list", "--wait", "3"]));
    assert_survived(&against(
        response("ServiceList", &format!("[{}]", many("[[]]"))),
        &["service", "list", "--wait", "3"],
    ));
    assert_survived(&against(
        response("ServiceList", &format!("[{}]", many("0"))),
        &["service", "list", "--wait", "3"],
    ));
}

#[test]
fn what_just_passes_is_shown_within_the_bound() {
    let few = |item: &str, count: usize| vec![item; count].join(",");
    let list = format!(r#"{{"count":1,"processes":[{}]}}"#, few(r#"{"a":0}"#, 100_000));
    let output = against(response("ProcessList", &list), &["process", "list"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {}", output.status, err(&output));
    let whole = metrics("processes", "HERE").replacen(&many("HERE"), &few("[]", 110_000), 1);
    let output = against(whole, &["metrics"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {}", output.status, err(&output));
}

#[test]
fn a_line_that_no_version_knows_costs_no_memory_to_speak_of() {
    let line = format!(r#"{{"type":"news","id":"ID","list":[{}]}}"#, many(r#"{"":{"":{}}}"#));
    let output = against(line, &["metrics", "--wait", "1"]);
    assert_eq!(output.status.code(), Some(4), "{:?}: {}", output.status, err(&output));
}

#[test]
fn a_long_list_of_true_rows_is_shown_within_the_bound() {
    let row = r#"{"name":"a","version":"1","architecture":"amd64","description":"x","source":"apt","installed":true}"#;
    let list = format!(r#"{{"manager":"apt","count":9,"packages":[{}]}}"#, many(row));
    let output = against(response("PackageList", &list), &["package", "list"]);
    assert_eq!(output.status.code(), Some(0), "{:?}: {}", output.status, err(&output));
    let shown = crate::command::out(&output);
    assert!(shown.contains("more rows; --json shows all of them"), "{}", shown.len());
}

/// An answer to a request for processes, which names this one.
fn one_process(id: &str, name: &str) -> String {
    let list = format!(r#"{{"count":1,"processes":[{{"pid":7,"name":"{name}"}}]}}"#);
    crate::support::answers::ok(id, "ProcessList", &"HERE".into()).replacen("\"HERE\"", &list, 1)
}

#[test]
fn lines_of_64_mib_of_a_million_levels_and_with_others_ids_are_passed_over_and_the_answer_behind_them_is_shown()
 {
    let endless = "x".repeat(64 << 20);
    let deep = format!("{}1{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let deep_answer = one_process("ID", "deep").replacen("\"count\":1", &format!("\"count\":{deep}"), 1);
    let others = one_process("somebody-elses", "lab-false");
    let lines = vec![endless, deep, deep_answer, others, one_process("ID", "lab-true")];
    let output = against_lines(lines, &["process", "list", "--wait", "120"]);
    assert_eq!(output.status.code(), Some(0), "{:?}: {}", output.status, err(&output));
    let shown = crate::command::out(&output);
    assert!(shown.contains("lab-true") && !shown.contains("lab-false"), "{shown}");
}

#[test]
fn a_guest_that_says_nothing_but_heartbeats_and_reads_no_answer_costs_no_memory_to_speak_of() {
    let beat = |n| format!(r#"{{"type":"keep_alive","sequence_number":{n}}}"#);
    let beats = (0..200_000).map(beat).chain([one_process("ID", "lab-true")]).collect();
    let output = against_lines(beats, &["process", "list", "--wait", "120"]);
    assert_eq!(output.status.code(), Some(0), "{:?}: {}", output.status, err(&output));
    assert!(crate::command::out(&output).contains("lab-true"));
}

#[test]
fn an_answer_on_qemu_gas_channel_costs_no_memory_to_speak_of_however_long_or_made_up() {
    let rows = vec![r#"{"name":""}"#; 130_000].join(",");
    let name = "x".repeat((10 << 20) - 100);
    let cases: [(&[&str], String); 4] = [
        (&["qga", "interfaces"], format!("{{\"return\": [{rows}]}}\n")),
        (&["qga", "osinfo"], format!("{{\"return\": {{\"pretty-name\": \"{name}\"}}}}\n")),
        (&["qga", "info"], format!("{{\"error\": {{\"class\": \"{name}\", \"desc\": \"\"}}}}\n")),
        (&["qga", "ping"], format!("{{\"return\": {}1{}}}\n", "[".repeat(200_000), "]".repeat(200_000))),
    ];
    for (args, line) in cases {
        let output = bounded(&FakeQga::writing(line.as_bytes()).path, args);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {:?}", output.status);
        assert!(err(&output).len() < 10_000 && output.stdout.len() < 1 << 20, "{args:?}");
    }
}
