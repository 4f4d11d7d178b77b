//! What the link as a whole promises, event by event.

mod any_order;
mod bench;
mod bulk;
mod compression;
mod dialect;
mod echo;
mod flood;
mod reconfigured;
mod refused;
mod sealed;
mod sealed_any_order;
mod silent;
mod visits;

use super::*;
use bench::Bench;
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::{HostMessage, Response};
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;
fn kinds(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["type"].as_str()).collect()
}

const COMMAND: &str = r#"{"type":"SafeCommand","id":"c1","command_type":{"action":"ServiceList"}}"#;

#[test]
fn a_new_link_opens_at_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.link.next_deadline(), Some(Duration::ZERO));
    assert!(matches!(bench.event(Event::Timer), [Action::Open]));
    assert_eq!(bench.link.next_deadline(), None);
}

#[test]
fn the_first_byte_to_a_host_is_a_newline_then_what_waits_and_metrics_are_asked_for() {
    let mut bench = Bench::new();
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(false) }));
    bench.respond("kept");
    assert_eq!(bench.written(), "");
    bench.event(Event::Port(PortEvent::HostConnected));
    assert!(
        bench.asked(|a| matches!(a, Action::CollectMetrics)) && bench.asked(|a| matches!(a, Action::Write))
    );
    let text = bench.written();
    assert!(text.starts_with("\n{\"type\":\"response\",\"id\":\"kept\""), "{text}");
    assert!(
        text.lines().nth(2).is_some_and(|l| l.starts_with("{\"type\":\"keep_alive\",\"sequence_number\":1,"))
    );
}

#[test]
fn a_line_is_stamped_when_its_writing_starts() {
    let mut bench = Bench::connected();
    bench.written();
    bench.respond("a");
    bench.wait(3.5);
    assert_eq!(bench.lines()[0]["timestamp"], "2023-11-14T22:13:23.500Z");
}

#[test]
fn a_line_torn_by_a_disconnect_is_sent_again_whole() {
    let mut bench = Bench::connected();
    bench.written();
    bench.respond("a");
    bench.respond("b");
    bench.event(Event::Port(PortEvent::Wrote(0)));
    let clock = bench.clock();
    assert!(bench.link.pending_write(clock).len() > 20);
    bench.event(Event::Port(PortEvent::Wrote(20)));
    bench.event(Event::Port(PortEvent::HostDisconnected));
    assert_eq!(bench.link.pending_write(clock), b"");
    bench.event(Event::Port(PortEvent::HostConnected));
    let lines = bench.lines();
    assert_eq!((lines[0]["id"].as_str(), lines[1]["id"].as_str()), (Some("a"), Some("b")));
}

#[test]
fn a_line_that_lacked_only_its_newline_when_we_closed_is_not_sent_twice() {
    let mut bench = Bench::connected();
    bench.written();
    bench.respond("a");
    let clock = bench.clock();
    let length = bench.link.pending_write(clock).len();
    bench.event(Event::Port(PortEvent::Wrote(length - 1)));
    bench.event(Event::Port(PortEvent::IoFailed("EIO".into())));
    bench.wait(6.0);
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    let text = bench.written();
    assert!(text.starts_with('\n') && !text.contains("\"a\""), "{text}");
}

#[test]
fn a_torn_line_of_the_host_ends_at_the_disconnect() {
    let mut bench = Bench::connected();
    bench.event(Event::Port(PortEvent::Read(b"{\"type\":\"Safe")));
    bench.event(Event::Port(PortEvent::HostDisconnected));
    bench.event(Event::Port(PortEvent::HostConnected));
    bench.say(COMMAND);
    assert!(bench.asked(|a| matches!(a, Action::Deliver(HostMessage::SafeCommand(c)) if c.id == "c1")));
    assert_eq!(bench.link.stats().rejected_lines, 0);
}

#[test]
fn a_heartbeat_goes_every_thirty_seconds_and_is_answered() {
    let mut bench = Bench::connected();
    let mut numbers = Vec::new();
    for _ in 0..20 {
        for line in bench.lines() {
            let number = line["sequence_number"].as_u64().expect("number");
            numbers.push((bench.now.as_secs(), number));
            bench.say(&format!(r#"{{"type":"keep_alive_response","sequence_number":{number}}}"#));
        }
        bench.run(10);
    }
    assert_eq!(numbers, [(0, 1), (30, 2), (60, 3), (90, 4), (120, 5), (150, 6), (180, 7)]);
    assert_eq!(bench.link.stats().heartbeats_answered, 7);
}

#[test]
fn an_unanswered_heartbeat_leads_to_a_reconnection_after_sixty_seconds() {
    let mut bench = Bench::connected();
    bench.written();
    bench.wait(30.0);
    bench.event(Event::Timer);
    bench.written();
    bench.wait(29.9);
    bench.event(Event::Timer);
    assert!(!bench.asked(|a| matches!(a, Action::Close(_))));
    bench.wait(0.1);
    bench.event(Event::Timer);
    assert!(bench.asked(|a| matches!(a, Action::Close(_))));
    let asked = bench.run(7);
    assert!(asked.contains(&"Open".to_owned()), "{asked:?}");
}

#[test]
fn answers_to_unknown_and_already_answered_numbers_are_counted_and_otherwise_ignored() {
    let mut bench = Bench::connected();
    bench.written();
    for number in [1, 1, 99, 0] {
        bench.say(&format!(r#"{{"type":"KeepAliveResponse","sequence_number":{number}}}"#));
        assert!(!bench.asked(|a| matches!(a, Action::Deliver(_) | Action::Write | Action::Close(_))));
    }
    let stats = bench.link.stats();
    assert_eq!((stats.heartbeats_answered, stats.heartbeats_late, stats.heartbeats_unknown), (1, 1, 2));
}

#[test]
fn the_hosts_ping_is_answered_at_once_with_its_number() {
    let mut bench = Bench::connected();
    bench.written();
    bench.say(r#"{"type":"keep_alive_request","sequence_number":4711}"#);
    assert!(bench.asked(|a| matches!(a, Action::Write)));
    let lines = bench.lines();
    assert_eq!((kinds(&lines), &lines[0]["sequence_number"]), (vec!["keep_alive"], &json!(4711)));
}

/// The kernel hands over a host's first line before it says that the host is there, and takes nothing until then.
#[test]
fn a_ping_that_came_before_its_connection_is_answered_behind_it() {
    let mut bench = Bench::connected();
    bench.written();
    bench.say(r#"{"type":"keep_alive_request","sequence_number":4711}"#);
    let now = bench.clock();
    assert!(!bench.link.pending_write(now).is_empty(), "offered to the port, which takes nothing");
    bench.event(Event::Port(PortEvent::HostDisconnected));
    bench.event(Event::Port(PortEvent::HostConnected));
    let pongs = bench.written().lines().filter(|line| line.contains("4711")).count();
    assert_eq!(pongs, 1);
}

#[test]
fn bad_lines_are_answered_and_the_next_good_one_works() {
    let mut bench = Bench::connected();
    bench.written();
    bench.event(Event::Port(PortEvent::Read(b"nonsense\n{\"type\":\"Reboot\",\"id\":\"r\"}\n\xff\xfe\n")));
    bench.say(COMMAND);
    assert!(bench.asked(|a| matches!(a, Action::Deliver(HostMessage::SafeCommand(_)))));
    let lines = bench.lines();
    assert_eq!(kinds(&lines), ["error", "response", "error"]);
    assert_eq!(lines[1]["error_code"], "UNKNOWN_TYPE");
}

#[test]
fn a_flood_of_garbage_is_answered_a_few_times_and_counted() {
    let mut bench = Bench::connected();
    bench.written();
    for _ in 0..1000 {
        bench.say("garbage");
    }
    assert_eq!(bench.lines().len(), 32);
    assert_eq!(bench.link.stats().refusals_dropped, 968);
    assert_eq!(bench.link.stats().rejected_lines, 1000);
}

#[test]
fn a_command_whose_answer_would_find_no_room_is_refused_early() {
    let mut bench = Bench::connected();
    bench.written();
    let mut turned_away = Vec::new();
    for number in 0..300 {
        bench.say(&COMMAND.replace("c1", &format!("c{number}")));
        turned_away.extend(bench.actions.drain(..).filter_map(|action| match action {
            Action::NoRoom(HostMessage::SafeCommand(command)) => Some(command.id),
            _ => None,
        }));
    }
    assert_eq!(turned_away.len(), 300 - 240);
    for id in turned_away {
        bench.event(Event::TurnedAway(Response::ok(id, "ServiceList", json!({}))));
    }
    assert_eq!(bench.lines().len(), 300 - 240);
    bench.respond("c0");
    bench.written();
    bench.say(COMMAND);
    assert!(bench.asked(|a| matches!(a, Action::Deliver(_))));
}

#[test]
fn a_host_that_stops_reading_for_a_minute_is_a_failure_and_gets_the_rest_of_the_line_when_it_reads() {
    let mut bench = Bench::connected();
    bench.written();
    bench.respond("a");
    let clock = bench.clock();
    let length = bench.link.pending_write(clock).len();
    bench.event(Event::Port(PortEvent::Wrote(5)));
    let asked = bench.run(59).join(" ");
    assert!(asked.contains("taken no byte for 10 s") && !asked.contains("Close"), "{asked}");
    bench.event(Event::HealthCheck);
    assert!(bench.link.quality() > Quality::Excellent);
    let rest = bench.written();
    assert_eq!(rest.find('\n'), Some(length - 6), "{rest}");
}

#[test]
fn a_host_that_does_not_read_for_long_opens_the_breaker_and_still_gets_its_answer_whole() {
    let mut bench = Bench::connected();
    bench.written();
    bench.say(r#"{"type":"KeepAliveResponse","sequence_number":1}"#);
    bench.respond("a");
    let clock = bench.clock();
    bench.link.pending_write(clock);
    bench.event(Event::Port(PortEvent::Wrote(5)));
    let asked = bench.run(151).join(" ");
    assert!(asked.contains("Close") && asked.contains("circuit breaker open"), "{asked}");
    bench.run(60);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    let ids: Vec<String> = bench.lines().iter().filter_map(|l| l["id"].as_str().map(str::to_owned)).collect();
    assert_eq!(ids, ["a"]);
}

#[test]
fn a_device_that_cannot_tell_its_host_gets_heartbeats_from_the_start() {
    let mut bench = Bench::new();
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "/dev/pts/1", host: None }));
    assert!(bench.asked(|a| matches!(a, Action::CollectMetrics)));
    assert_eq!(kinds(&bench.lines()), ["keep_alive"]);
}

#[test]
fn fifteen_failures_open_the_breaker_and_the_host_hears_of_it_when_it_is_back() {
    let mut bench = Bench::new();
    let mut attempts = Vec::new();
    while attempts.len() < 17 {
        bench.now = bench.link.next_deadline().expect("retries");
        bench.event(Event::Timer);
        assert!(bench.asked(|a| matches!(a, Action::Open)));
        attempts.push(bench.now.as_secs());
        bench.event(Event::Port(PortEvent::OpenFailed(OpenFailure::Busy("qemu-ga, pid 7".into()))));
    }
    assert_eq!((attempts[15] - attempts[14], attempts[16] - attempts[15]), (60, 60));
    bench.wait(60.0);
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    let lines = bench.lines();
    let states: Vec<&str> = lines.iter().filter_map(|line| line["state"].as_str()).collect();
    assert_eq!(states, ["Open", "HalfOpen", "Open", "HalfOpen", "Open", "HalfOpen"]);
    bench.say(r#"{"type":"keep_alive_response","sequence_number":1}"#);
    let lines = bench.lines();
    assert_eq!((kinds(&lines), &lines[0]["state"]), (vec!["circuit_breaker_state"], &json!("Closed")));
}

#[test]
fn an_absent_device_moves_neither_the_breaker_nor_the_quality() {
    let mut bench = Bench::new();
    for _ in 0..40 {
        bench.now = bench.link.next_deadline().expect("retries");
        bench.event(Event::Timer);
        bench.event(Event::Port(PortEvent::OpenFailed(OpenFailure::Absent)));
    }
    bench.event(Event::HealthCheck);
    assert_eq!(bench.link.quality(), Quality::Excellent);
    assert_eq!(bench.link.stats().breaker_opens, 0);
}

#[test]
fn a_device_that_returns_is_opened_at_once() {
    let mut bench = Bench::connected();
    bench.event(Event::Port(PortEvent::DeviceGone));
    assert!(matches!(bench.actions.as_slice(), [Action::Close(_), Action::Log(..), Action::Open]));
    bench.event(Event::Port(PortEvent::OpenFailed(OpenFailure::Absent)));
    for _ in 0..6 {
        bench.run(400);
        bench.event(Event::Port(PortEvent::OpenFailed(OpenFailure::Absent)));
    }
    bench.wait(0.1);
    bench.event(Event::Port(PortEvent::DevicesChanged));
    assert!(bench.asked(|a| matches!(a, Action::Open)));
}

#[test]
fn failures_move_the_quality_and_the_health_check_reports_it_once() {
    let mut bench = Bench::connected();
    bench.written();
    for _ in 0..3 {
        bench.event(Event::Port(PortEvent::IoFailed("EIO".into())));
        bench.event(Event::HealthCheck);
        bench.now = bench.link.next_deadline().expect("retries");
        bench.event(Event::Timer);
        bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    }
    assert!(bench.link.quality().is_degraded());
    bench.event(Event::HealthCheck);
    let before = bench.link.quality();
    bench.event(Event::HealthCheck);
    assert!(!bench.asked(|a| matches!(a, Action::QualityChanged { .. })));
    assert_eq!(bench.link.stats().quality_history.back().map(|(_, q)| *q), Some(before));
}

#[test]
fn a_wall_clock_that_jumps_moves_no_timer() {
    let mut bench = Bench::connected();
    bench.written();
    let due = bench.link.next_deadline();
    bench.wall = UNIX_EPOCH;
    bench.event(Event::Timer);
    bench.wall = UNIX_EPOCH + Duration::from_secs(1 << 40);
    bench.event(Event::Timer);
    assert_eq!(bench.link.next_deadline(), due);
}

#[test]
fn a_suspended_machine_does_not_blame_the_host() {
    let mut bench = Bench::connected();
    bench.written();
    bench.wait(7200.0);
    bench.event(Event::Timer);
    assert!(!bench.asked(|a| matches!(a, Action::Close(_))));
    assert_eq!(bench.lines()[0]["sequence_number"], 2);
    bench.say(r#"{"type":"keep_alive_response","sequence_number":2}"#);
    assert_eq!(bench.link.stats().heartbeats_answered, 1);
}

#[test]
fn metrics_without_a_host_are_not_kept_unless_asked_for() {
    let mut bench = Bench::new();
    bench.send(GuestMessage::SystemMetrics(SystemMetrics::default()));
    assert!(bench.link.is_drained());
    let asked = SystemMetrics { request_id: Some("r".into()), ..SystemMetrics::default() };
    bench.send(GuestMessage::SystemMetrics(asked));
    assert!(!bench.link.is_drained());
}

#[test]
fn events_out_of_their_order_are_taken_without_harm() {
    let mut bench = Bench::new();
    bench.event(Event::Port(PortEvent::HostConnected));
    bench.event(Event::Port(PortEvent::HostDisconnected));
    bench.event(Event::Port(PortEvent::Wrote(100)));
    bench.event(Event::Port(PortEvent::IoFailed("x".into())));
    bench.event(Event::Port(PortEvent::DeviceGone));
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    bench.event(Event::Port(PortEvent::HostConnected));
    assert_eq!(bench.link.stats().host_connects, 1);
    assert!(bench.written().starts_with('\n'));
}

#[test]
fn memory_that_only_a_large_answer_needed_is_given_back() {
    let mut bench = Bench::connected();
    bench.written();
    let stdout = "o".repeat(3 << 20);
    bench.send(GuestMessage::Response(Response { stdout, ..Response::ok("a", "ServiceList", json!({})) }));
    assert!(bench.link.held_bytes() > 3 << 20);
    assert!(bench.written().len() > 3 << 20);
    assert!(bench.link.held_bytes() < 200_000, "{}", bench.link.held_bytes());
}
