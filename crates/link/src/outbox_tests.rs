//! What the outbox promises.

use super::reserving::MAX_RESERVED;
use super::*;
use infiniservice_protocol::batch::{BatchResult, Outcome};
use infiniservice_protocol::guest::ErrorMessage;
use infiniservice_protocol::{ErrorCode, Response};
use serde_json::json;
use std::time::SystemTime;

fn limits(outbox_max_bytes: usize) -> Limits {
    Limits { outbox_max_bytes, ..Limits::default() }
}

fn outbox() -> Outbox {
    Outbox::new(Limits::default())
}

fn response(id: &str, stdout_bytes: usize) -> Response {
    Response { stdout: "x".repeat(stdout_bytes), ..Response::ok(id, "ServiceList", json!({})) }
}

fn error() -> GuestMessage {
    let error = "e".repeat(100);
    GuestMessage::Error(ErrorMessage {
        error,
        error_code: ErrorCode::InvalidJson,
        details: None,
        timestamp: None,
    })
}

fn metrics(version: &str, request_id: Option<&str>) -> SystemMetrics {
    SystemMetrics {
        agent_version: version.into(),
        request_id: request_id.map(Into::into),
        ..SystemMetrics::default()
    }
}

fn change() -> Change {
    Change {
        state: infiniservice_protocol::guest::BreakerState::Open,
        failure_count: 15,
        last_failure: None,
        recovers_at: None,
    }
}

fn line(body: &Body) -> serde_json::Value {
    let mut out = Vec::new();
    body.finish(SystemTime::UNIX_EPOCH, &mut out);
    serde_json::from_slice(&out).expect("JSON")
}

/// Everything that waits, in its order, by what tells it apart.
fn drain(outbox: &mut Outbox) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(item) = outbox.pop() {
        outbox.release(&item);
        found.push(match item {
            Item::Answer { body, .. } => line(&body)["id"].as_str().unwrap_or("error").to_owned(),
            Item::Report(_) => "report".to_owned(),
            Item::Pong(number) => format!("pong {number}"),
            Item::Heartbeat => "heartbeat".to_owned(),
            Item::Hello(_) => "hello".to_owned(),
            Item::Extra(body) => format!("{}", line(&body)["seq"]),
            Item::Greeting(body) | Item::Said { body, .. } => line(&body)["type"].to_string(),
            Item::Metrics { body, request_id } => {
                let version = line(&body)["agent_version"].as_str().unwrap_or_default().to_owned();
                format!("metrics {version} {}", request_id.unwrap_or_default())
            }
        });
    }
    found
}

#[test]
fn answers_go_before_heartbeats_and_heartbeats_before_metrics() {
    let mut outbox = outbox();
    outbox.metrics(metrics("m", None));
    assert!(outbox.heartbeat());
    outbox.pong(7);
    outbox.report(change());
    outbox.answer(response("b", 0));
    assert!(outbox.refuse(error()));
    outbox.answer(response("a", 0));
    assert_eq!(drain(&mut outbox), ["b", "error", "a", "report", "pong 7", "heartbeat", "metrics m "]);
    assert!(outbox.is_empty());
}

#[test]
fn newer_metrics_replace_those_that_wait() {
    let mut outbox = outbox();
    for version in ["1", "2", "3"] {
        outbox.metrics(metrics(version, None));
    }
    assert_eq!(drain(&mut outbox), ["metrics 3 "]);
}

#[test]
fn a_request_for_metrics_is_answered_though_newer_metrics_came() {
    let mut outbox = outbox();
    outbox.metrics(metrics("1", Some("r")));
    outbox.metrics(metrics("2", None));
    assert_eq!(drain(&mut outbox), ["metrics 2 r"]);
    outbox.metrics(metrics("1", Some("r")));
    outbox.metrics(metrics("2", Some("s")));
    assert_eq!(drain(&mut outbox), ["metrics 1 r", "metrics 2 s"]);
}

#[test]
fn requests_for_metrics_without_end_keep_the_newest_eight() {
    let mut outbox = outbox();
    for number in 0..1000 {
        outbox.metrics(metrics("v", Some(&number.to_string())));
    }
    let found = drain(&mut outbox);
    assert_eq!((found.len(), found[7].as_str()), (8, "metrics v 999"));
}

#[test]
fn only_one_heartbeat_waits_and_pongs_and_reports_are_bounded() {
    let mut outbox = outbox();
    assert!(outbox.heartbeat());
    assert!(!outbox.heartbeat());
    (0..10_000).for_each(|number| outbox.pong(number));
    (0..1000).for_each(|_| outbox.report(change()));
    let found = drain(&mut outbox);
    assert_eq!(found.len(), MAX_REPORTS + MAX_PONGS + 1);
    assert_eq!(found[MAX_REPORTS + MAX_PONGS - 1], "pong 9999");
}

#[test]
fn commands_are_accepted_only_while_their_answers_are_sure_of_room() {
    let mut outbox = Outbox::new(limits(16 * RESERVE));
    assert_eq!((0..100).filter(|_| outbox.reserve(1)).count(), 15);
    assert!(!outbox.has_room());
    outbox.answer(response("a", 10));
    assert_eq!(outbox.reserved(), 14);
    drain(&mut outbox);
    assert!(outbox.has_room());
}

#[test]
fn an_answer_that_does_not_fit_is_cut_and_says_so_and_none_is_lost() {
    let mut outbox = Outbox::new(limits(16 * RESERVE));
    assert_eq!((0..16).filter(|_| outbox.reserve(1)).count(), 15);
    for number in 0..15 {
        outbox.answer(response(&number.to_string(), 1 << 18));
        assert!(outbox.answer_bytes() <= 16 * RESERVE);
    }
    let Some(Item::Answer { body, .. }) = outbox.pop() else { panic!("an answer waits") };
    let first = line(&body);
    assert_eq!((&first["stdout_truncated"], &first["stdout_bytes"]), (&json!(true), &json!(1 << 18)));
    assert!(first["stdout"].as_str().expect("text").len() > 10_000);
    assert_eq!(drain(&mut outbox).len(), 14);
}

#[test]
fn an_answer_may_take_all_that_is_not_set_aside_for_others() {
    let mut outbox = outbox();
    assert!(outbox.reserve(1));
    assert!(!outbox.answer(response("a", 3 << 20)));
    assert!(outbox.answer_bytes() > 3 << 20);
}

#[test]
fn refusals_have_a_small_share_and_are_dropped_beyond_it() {
    let mut outbox = Outbox::new(limits(16 * RESERVE));
    let kept = (0..10_000).filter(|_| outbox.refuse(error())).count();
    assert!(kept > 100 && outbox.answer_bytes() <= RESERVE, "{kept}");
    assert!(outbox.reserve(1));
    outbox.answer(response("a", 0));
    assert_eq!(drain(&mut outbox).len(), kept + 1);
    assert_eq!(outbox.answer_bytes(), 0);
    assert!(outbox.refuse(error()));
}

#[test]
fn what_is_being_written_still_counts() {
    let mut outbox = outbox();
    outbox.answer(response("a", 1000));
    let item = outbox.pop().expect("waits");
    assert!(outbox.answer_bytes() > 1000);
    outbox.release(&item);
    assert_eq!(outbox.answer_bytes(), 0);
}

#[test]
fn a_torn_answer_comes_first_again() {
    let mut outbox = outbox();
    outbox.answer(response("a", 0));
    outbox.answer(response("b", 0));
    let torn = outbox.pop().expect("waits");
    outbox.restore(torn);
    assert_eq!(drain(&mut outbox), ["a", "b"]);
}

#[test]
fn a_disconnect_drops_only_what_was_for_that_host() {
    let mut outbox = outbox();
    outbox.answer(response("a", 0));
    outbox.report(change());
    outbox.pong(1);
    assert!(outbox.heartbeat());
    outbox.metrics(metrics("1", Some("r")));
    assert!(outbox.disconnect());
    assert_eq!(drain(&mut outbox), ["a", "report", "pong 1", "metrics 1 r"]);
    outbox.metrics(metrics("2", None));
    assert!(!outbox.disconnect());
    assert_eq!(drain(&mut outbox), [""; 0]);
}

#[test]
fn a_tiny_bound_still_takes_one_command_at_a_time() {
    let mut outbox = Outbox::new(limits(256 * 1024));
    assert!(outbox.reserve(1));
}

#[test]
fn a_huge_bound_does_not_accept_commands_without_end() {
    let mut outbox = Outbox::new(limits(1 << 40));
    assert_eq!((0..10_000).filter(|_| outbox.reserve(1)).count(), MAX_RESERVED);
}

#[test]
fn room_for_the_answers_of_a_batch_is_set_aside_for_all_of_them_or_none() {
    let mut outbox = Outbox::new(limits(16 * RESERVE));
    assert!(outbox.reserve(10));
    assert!(!outbox.reserve(6) && outbox.reserved() == 10, "fifteen have room");
    assert!(outbox.reserve(5) && !outbox.has_room());
    outbox.spare(5);
    assert!(outbox.reserve(5), "what will not come needs none");
    assert!(!outbox.reserve(MAX_RESERVED + 1));
}

#[test]
fn the_result_of_a_batch_comes_after_its_responses_and_uses_up_its_room() {
    let mut outbox = Outbox::new(limits(16 * RESERVE));
    assert!(outbox.reserve(2));
    outbox.answer(Response::ok("1", "X", json!({})));
    assert!(!outbox.batch_result(BatchResult { id: "b".into(), ..BatchResult::default() }));
    assert_eq!(outbox.reserved(), 0);
    let lines: Vec<_> = std::iter::from_fn(|| outbox.pop()).map(|item| kind(&item)).collect();
    assert_eq!(lines, ["response", "batch_result"]);
    assert!(outbox.reserve(1));
    let outcomes =
        (0..64).map(|n| Outcome { id: format!("{n}{}", "\u{1f600}".repeat(255)), ..Outcome::default() });
    let long = BatchResult { id: "b".into(), outcomes: outcomes.collect(), ..BatchResult::default() };
    assert!(!outbox.batch_result(long.clone()), "there is room");
    assert!(outbox.reserve(11), "and for what is under way");
    assert!(outbox.batch_result(long), "it is cut to what is free");
    assert!(outbox.answer_bytes() <= 16 * RESERVE);
}

fn kind(item: &Item) -> String {
    let Item::Answer { body, .. } = item else { panic!("{item:?}") };
    let mut line = Vec::new();
    body.finish(std::time::UNIX_EPOCH, &mut line);
    let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
    line["type"].as_str().unwrap().to_owned()
}
