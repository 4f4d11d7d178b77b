//! What the encoding of the guest's lines promises.

use super::*;
use crate::guest::{ErrorMessage, KeepAlive, Response};
use crate::metrics::{Plugin, Process, Series, SystemMetrics};
use crate::text::steers;
use crate::{ErrorCode, GuestLine, parse_guest_line};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

fn line(message: &GuestMessage) -> String {
    let mut out = Vec::new();
    Body::encode(message).finish(UNIX_EPOCH + Duration::from_millis(1_763_880_000_123), &mut out);
    String::from_utf8(out).unwrap()
}

fn value(message: &GuestMessage) -> Value {
    serde_json::from_str(&line(message)).unwrap()
}

fn response() -> Response {
    Response::ok("i", "A", json!({}))
}

#[test]
fn a_line_is_the_message_with_the_time_of_writing_and_a_newline() {
    let beat = GuestMessage::KeepAlive(KeepAlive { sequence_number: 1, timestamp: None });
    let expected =
        "{\"type\":\"keep_alive\",\"sequence_number\":1,\"timestamp\":\"2025-11-23T06:40:00.123Z\"}\n";
    assert_eq!(line(&beat), expected);
    assert_eq!(Body::encode(&beat).line_bytes() + 1, expected.len());
}

#[test]
fn the_time_of_queueing_is_replaced_by_the_time_of_writing() {
    let beat = GuestMessage::KeepAlive(KeepAlive { sequence_number: 1, timestamp: Some("old".into()) });
    let line = line(&beat);
    assert_eq!(line.matches("timestamp").count(), 1);
    assert!(!line.contains("old"));
}

#[test]
fn only_ascii_leaves_and_every_character_arrives() {
    let text = "a\u{e9}\u{20ac}\u{1f600}\u{2028}\u{feff}\"\\/\n\u{1b}\u{7f}z";
    let message = GuestMessage::Response(Response { stdout: text.into(), ..response() });
    let line = line(&message);
    assert!(line.is_ascii());
    assert!(line.contains(r"a\u00e9\u20ac\ud83d\ude00\u2028\ufeff\"), "{line}");
    assert_eq!(value(&message)["stdout"], text);
}

#[test]
fn u0000_is_dropped_from_texts_and_keys() {
    let data = json!({"a\0b": ["\0", "c\0d\0"]});
    let message = GuestMessage::Response(Response::ok("i\0", "A", data));
    assert!(!line(&message).contains("u0000"));
    assert_eq!((&value(&message)["data"], &value(&message)["id"]), (&json!({"ab": ["", "cd"]}), &json!("i")));
}

#[test]
fn numbers_that_no_reader_holds_never_leave() {
    let mut metrics = SystemMetrics::default();
    let system = &mut metrics.data.system;
    system.cpu.usage_percent = f64::NAN;
    system.cpu.cores_usage = vec![f64::INFINITY, -1.0, 33.333_333_333];
    system.cpu.temperature = Some(f64::NAN);
    system.uptime_seconds = u64::MAX;
    metrics.data.processes =
        vec![Process { pid: u32::MAX, cpu_percent: f64::NEG_INFINITY, ..Process::default() }];
    let value = value(&GuestMessage::SystemMetrics(metrics));
    let system = &value["data"]["system"];
    assert_eq!(
        system["cpu"],
        json!({"usage_percent": 0.0, "cores_usage": [0.0, 0.0, 33.333], "temperature": null})
    );
    assert_eq!(system["uptime_seconds"], json!(9_007_199_254_740_991_u64));
    let process = &value["data"]["processes"][0];
    assert_eq!((&process["pid"], &process["cpu_percent"]), (&json!(2_147_483_647), &json!(0.0)));
}

/// The line of a message cut to `max`, which it keeps.
fn cut(message: GuestMessage, max: usize) -> GuestMessage {
    let mut message = message;
    let body = Body::encode_within(&mut message, max);
    assert!(body.line_bytes() <= max, "{} > {max}", body.line_bytes());
    let Ok(GuestLine::Known(read)) = parse_guest_line(&line(&message)) else { panic!("unreadable") };
    read
}

fn cut_response(response: Response, max: usize) -> Response {
    match cut(GuestMessage::Response(response), max) {
        GuestMessage::Response(response) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_that_fits_is_not_touched() {
    let message = GuestMessage::Response(Response { stdout: "x".repeat(900), ..response() });
    let mut same = message.clone();
    assert!(!fit(&mut same, 2000));
    assert_eq!(same, message);
}

#[test]
fn output_is_cut_first_and_its_true_length_told() {
    let long = Response { stdout: "\u{e9}".repeat(10_000), stderr: "short".into(), ..response() };
    let read = cut_response(long, 8192);
    assert_eq!((read.stdout_truncated, read.stdout_bytes), (Some(true), Some(20_000)));
    assert_eq!((read.stderr.as_str(), read.stderr_truncated), ("short", None));
    assert!(read.stdout.len() > 2000, "most of the room is used: {}", read.stdout.len());
}

#[test]
fn two_long_outputs_share_the_room() {
    let long = Response { stdout: "o".repeat(50_000), stderr: "e".repeat(50_000), ..response() };
    let read = cut_response(long, 20_000);
    assert!(read.stdout.len() > 9000 && read.stderr.len() > 9000);
    assert_eq!((read.stdout_bytes, read.stderr_bytes), (Some(50_000), Some(50_000)));
}

#[test]
fn a_total_that_was_counted_before_is_kept() {
    let capped = Response { stdout: "o".repeat(50_000), stdout_bytes: Some(1 << 30), ..response() };
    assert_eq!(cut_response(capped, 20_000).stdout_bytes, Some(1 << 30));
}

#[test]
fn lists_in_data_are_cut_from_the_end_and_counted() {
    let packages: Vec<_> = (0..5000).map(|n| json!({ "name": format!("package-{n}") })).collect();
    let read =
        cut_response(Response::ok("i", "PackageList", json!({"packages": packages, "count": 5000})), 20_000);
    assert_eq!(read.data["truncated"], json!({"packages": 5000}));
    assert_eq!(read.data["packages"][0]["name"], "package-0");
    assert!(read.data["packages"].as_array().unwrap().len() > 500);
}

#[test]
fn data_that_is_a_list_is_cut_and_counted_beside_it() {
    let services: Vec<_> = (0..5000).map(|n| json!({ "name": format!("service-{n}") })).collect();
    let read = cut_response(Response::ok("i", "ServiceList", Value::Array(services)), 20_000);
    assert_eq!(read.data_truncated, Some(5000));
    assert!(read.data.as_array().unwrap().len() > 500);
}

#[test]
fn data_that_cannot_be_cut_is_left_out() {
    let huge = Response::ok("i", "A", json!({ "text": "x".repeat(100_000) }));
    assert_eq!(cut_response(huge, 20_000).data, json!({"truncated": true}));
    let huge = Response::failed("i", "A", ErrorCode::Internal, "x".repeat(100_000));
    assert_eq!(cut_response(huge, 20_000).error.unwrap().len(), 4096);
}

#[test]
fn metrics_lose_the_end_of_their_longest_lists_and_say_so() {
    let process = Process { cmd_line: Some("x".repeat(1000)), ..Process::default() };
    let mut metrics = SystemMetrics::default();
    metrics.data.processes = vec![process; 200];
    metrics.collection.truncated.insert("processes".into(), 3000);
    let GuestMessage::SystemMetrics(read) = cut(GuestMessage::SystemMetrics(metrics), 100_000) else {
        panic!()
    };
    assert!((60..100).contains(&read.data.processes.len()), "{}", read.data.processes.len());
    assert_eq!(read.collection.truncated["processes"], 3000);
}

#[test]
fn plugins_lose_the_end_of_their_longest_lists_and_those_without_room_for_their_errors_are_counted() {
    let series = |n: usize| Series { name: format!("s{n}"), value: Some(-1.5), ..Series::default() };
    let plugin = |count: usize, error: Option<String>| Plugin {
        ok: error.is_none(),
        series: (0..count).map(series).collect(),
        error,
        ..Plugin::default()
    };
    let mut metrics = SystemMetrics::default();
    metrics.data.plugins = [("a", 3), ("b", 9000)].map(|(name, n)| (name.into(), plugin(n, None))).into();
    let read = |metrics| match cut(GuestMessage::SystemMetrics(metrics), 65_536) {
        GuestMessage::SystemMetrics(read) => read,
        other => panic!("{other:?}"),
    };
    let cut = read(metrics.clone());
    assert_eq!(cut.data.plugins["a"].series, metrics.data.plugins["a"].series, "negative, and whole");
    let kept = cut.data.plugins["b"].series.len();
    assert!((900..9000).contains(&kept), "{kept}");
    assert_eq!(cut.collection.truncated, [("plugins.b".into(), 9000)].into());
    let long = |n: usize| (format!("p{n:03}"), plugin(1, Some("\u{e9}".repeat(300))));
    metrics.data.plugins = (0..128).map(long).collect();
    let cut = read(metrics);
    assert!((5..20).contains(&cut.data.plugins.len()), "{}", cut.data.plugins.len());
    assert_eq!(cut.collection.truncated["plugins"], 128);
}

#[test]
fn the_notes_of_many_plugins_that_are_all_cut_have_room_in_the_line() {
    let series: Vec<_> = (0..3000).map(|n| Series { name: format!("s{n}"), ..Series::default() }).collect();
    let plugin = Plugin { ok: true, series, ..Plugin::default() };
    let mut metrics = SystemMetrics::default();
    metrics.data.plugins = (0..60).map(|n| (format!("{n:0>64}"), plugin.clone())).collect();
    let GuestMessage::SystemMetrics(read) = cut(GuestMessage::SystemMetrics(metrics), 65_536) else {
        panic!("another kind");
    };
    assert_eq!((read.data.plugins.len(), read.collection.truncated.len()), (60, 60));
    assert!(read.data.plugins.values().any(|plugin| plugin.series.len() > 100), "the line is used");
}

#[test]
fn the_shorter_of_two_lists_stays_whole() {
    let long: Vec<_> = (0..9000).map(|n| json!({ "long": n })).collect();
    let data = json!({ "a": long, "b": vec!["short"; 100], "count": 1, "z": "kept" });
    let read = cut_response(Response::ok("i", "A", data), 20_000);
    assert_eq!(read.data["truncated"], json!({"a": 9000}));
    assert!(
        read.data["a"].as_array().unwrap().len() > 1000 && read.data["b"].as_array().unwrap().len() == 100
    );
    assert_eq!((&read.data["count"], &read.data["z"]), (&json!(1), &json!("kept")));
}

#[test]
fn a_log_of_nothing_but_newlines_is_cut_as_it_is_spelled() {
    let lines = vec![json!({ "message": "\n".repeat(1000) }); 100];
    let read = cut_response(Response::ok("i", "ServiceLogs", json!({ "lines": lines })), 50_000);
    assert_eq!(read.data["truncated"], json!({"lines": 100}));
    assert_eq!(read.data["lines"].as_array().unwrap().len(), 24, "two bytes a newline");
}

/// Counts how often it is looked at.
struct Item<'a>(&'a std::cell::Cell<usize>, &'static str);

impl Serialize for Item<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        to.serialize_str(self.1)
    }
}

#[test]
fn a_list_has_room_by_what_it_takes_on_the_wire_and_nothing_is_looked_at_beyond_it() {
    let looks = std::cell::Cell::new(0);
    // As the bytes 0xff of a command line arrive: two quotes, six bytes each, a comma.
    let items: Vec<_> = (0..100_000).map(|_| Item(&looks, "\u{fffd}\u{fffd}")).collect();
    let mut budget = ListBudget::new(10 * 15 + 14);
    assert_eq!((budget.take_all(&items), looks.get()), (10, 11));
    assert!(!budget.take(&""), "what comes behind a gap would stand in another's place");
    let huge = [Item(&looks, "xxxxxxxx")];
    assert_eq!(truncate::len_within(&huge, 9), None);
}

#[test]
fn an_error_loses_its_details_first() {
    let error = ErrorMessage {
        error: "what".into(),
        error_code: ErrorCode::Internal,
        details: Some(json!("x".repeat(100_000))),
        timestamp: None,
    };
    let GuestMessage::Error(read) = cut(GuestMessage::Error(error), 20_000) else { panic!() };
    assert_eq!((read.error.as_str(), read.details), ("what", None));
}

#[test]
fn the_length_of_each_character_on_the_wire_is_known() {
    for char in (0..=0x1_1000).filter_map(char::from_u32).chain(['\u{10ffff}']) {
        let output = json!({ "stdout": char.to_string() });
        assert_eq!(
            ascii::wire_len(char),
            truncate::len_within(&output, 99).unwrap() - r#"{"stdout":""}"#.len(),
            "{char:?}"
        );
    }
}

/// Every text of a line and every key, by where it stands.
fn texts(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((at.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, &format!("{at}[]"), found)),
        Value::Object(members) => {
            for (key, member) in members {
                found.push((format!("{at} (key)"), key.clone()));
                texts(member, &format!("{at}.{key}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_text_of_any_answer_steers_a_terminal_but_a_program_s_own_output(text in "([\\x00-\\x1f\\x7f-\\x9f\u{2028}\u{202e}a-c\"\\\\é😀]|stdout){0,30}") {
        let data = json!({ "stdout": text, "list": [text, { "deep": { text.as_str(): [text] } }], text.as_str(): text });
        let failed = Response::failed("i", text.as_str(), ErrorCode::Internal, text.as_str());
        let response = Response { stdout: text.clone(), stderr: text.clone(), data, ..failed };
        let error = ErrorMessage { error: text.clone(), error_code: ErrorCode::Internal, details: Some(json!({ "stderr": text })), timestamp: None };
        let mut metrics = SystemMetrics { agent_version: text.clone(), ..SystemMetrics::default() };
        metrics.data.processes = vec![Process { name: text.clone(), ..Process::default() }];
        for message in [GuestMessage::Response(response), GuestMessage::Error(error), GuestMessage::SystemMetrics(metrics)] {
            let mut found = Vec::new();
            texts(&value(&message), "", &mut found);
            for (at, told) in found {
                if at == ".stdout" || at == ".stderr" {
                    prop_assert_eq!(told, text.replace('\0', ""));
                } else {
                    prop_assert!(!told.contains(steers), "{} {:?}", at, told);
                }
            }
        }
    }
}

#[test]
fn only_messages_of_a_log_keep_their_newlines_and_tabs() {
    let text = "a\n\tb\u{1b}[2J\r";
    let line = json!({ "message": text, "identifier": text, "deep": { "message": text } });
    let data = json!({ "lines": [line, line], "message": text, "others": [{ "message": text }] });
    let sent = value(&GuestMessage::Response(Response { data, ..response() }));
    let (kept, blank) = ("a\n\tb [2J ", "a  b [2J ");
    for line in [&sent["data"]["lines"][0], &sent["data"]["lines"][1]] {
        assert_eq!(line["message"], kept);
        assert_eq!((&line["identifier"], &line["deep"]["message"]), (&json!(blank), &json!(blank)));
    }
    assert_eq!(
        (&sent["data"]["message"], &sent["data"]["others"][0]["message"]),
        (&json!(blank), &json!(blank))
    );
}

#[test]
fn the_bound_of_a_line_is_exact() {
    let mut message = GuestMessage::Response(Response { stdout: "x".repeat(5000), ..response() });
    let exact = Body::encode(&message).line_bytes();
    assert_eq!(line(&message).trim_end().len(), exact);
    Body::encode_within(&mut message, exact);
    assert!(matches!(&message, GuestMessage::Response(whole) if whole.stdout_truncated.is_none()));
    assert!(Body::encode_within(&mut message, exact - 1).line_bytes() < exact);
}
