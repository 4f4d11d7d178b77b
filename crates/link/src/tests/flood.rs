//! A host that asks faster than it reads is held up by its own answers, and loses none.

use super::bench::Bench;
use crate::{Event, GivenUp, Link, LinkSettings, PortEvent};
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::{GuestMessage, HostMessage, Limits};

/// Reads what there is room for, as the driver does: at most 16 KiB at once.
fn read_what_may_be(bench: &mut Bench, input: &mut &[u8]) -> usize {
    let count = bench.link.read_room().min(16 << 10).min(input.len());
    let (now, rest) = input.split_at(count);
    *input = rest;
    bench.event(Event::Port(PortEvent::Read(now)));
    count
}

/// The port takes one line, however long.
fn write_a_line(bench: &mut Bench) -> String {
    let clock = bench.clock();
    let bytes = bench.link.pending_write(clock).to_vec();
    bench.event(Event::Port(PortEvent::Wrote(bytes.len())));
    String::from_utf8(bytes).expect("ASCII")
}

/// Lines that are refused by a response: the shortest ones, for which the room was reckoned, and ones with much to repeat.
#[test]
fn no_refusal_is_lost_however_slowly_the_host_reads_and_none_takes_more_than_its_room() {
    let long = "\u{1f600}".repeat(10_000);
    for (begin, end, lines) in [
        (r#"{"id":""#, "\"", 50_000),
        (r#"{"id":""#, "\"}", 50_000),
        (r#"{"type":"x","id":""#, "\"}", 50_000),
        (r#"{"type":"SafeCommand","id":""#, &format!("\",\"command_type\":{{\"{long}\":1}}}}"), 300),
        (r#"{"type":"signed","id":""#, "\"}", 10_000),
        (r#"{"type":"sealed","id":""#, "\"}", 10_000),
    ] {
        let mut bench = Bench::connected();
        bench.written();
        let input: Vec<String> = (0..lines).map(|number| format!("{begin}{number}{end}\n")).collect();
        let input = input.concat();
        let mut input = input.as_bytes();
        let mut written = String::new();
        while !input.is_empty() {
            while !input.is_empty() && read_what_may_be(&mut bench, &mut input) > 0 {}
            assert!(bench.link.waiting_bytes() <= 1 << 20, "{begin}");
            written += &write_a_line(&mut bench);
        }
        written += &bench.written();
        let answers = written.lines().filter(|line| line.contains("\"type\":\"response\"")).count();
        assert_eq!((answers, bench.link.stats().refusals_dropped), (lines, 0), "{begin}");
    }
}

/// Requests for metrics that are refused long after they were read, as the agent does when a collection takes its time: each
/// is answered, and the room for it was there.
#[test]
fn each_of_ten_thousand_requests_for_metrics_is_answered_though_the_collector_stands_still() {
    const REQUESTS: usize = 10_000;
    let mut bench = Bench::connected();
    bench.written();
    let metrics = |number| format!("{{\"type\":\"Metrics\",\"id\":\"{number}\"}}\n");
    let input = (0..REQUESTS).map(metrics).collect::<Vec<String>>().concat();
    let mut input = input.as_bytes();
    let (mut waiting, mut written) = (std::collections::VecDeque::new(), String::new());
    while !input.is_empty() {
        while !input.is_empty() && read_what_may_be(&mut bench, &mut input) > 0 {
            for action in std::mem::take(&mut bench.actions) {
                if let crate::Action::Deliver(HostMessage::Metrics { id: Some(id) }) = action {
                    waiting.push_back(id);
                }
            }
            while waiting.len() > 64 {
                let oldest = waiting.pop_front().unwrap();
                bench.event(Event::MetricsGivenUp(oldest, GivenUp::CrowdedOut));
            }
            assert!(bench.link.waiting_bytes() <= 1 << 20);
        }
        written += &write_a_line(&mut bench);
    }
    for id in waiting {
        bench.send(GuestMessage::SystemMetrics(SystemMetrics {
            request_id: Some(id),
            ..SystemMetrics::default()
        }));
    }
    written += &bench.written();
    let answers: std::collections::HashSet<String> = written
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|line| Some(line.get("id").or(line.get("request_id"))?.as_str()?.to_owned()))
        .collect();
    assert_eq!((answers.len(), bench.link.stats().refusals_dropped), (REQUESTS, 0));
    assert_eq!(bench.link.owed_requests(), 0);
}

#[test]
fn a_collector_that_hangs_for_good_stops_no_reading() {
    let limits = Limits { outbox_max_bytes: 256 << 10, ..Limits::default() };
    let mut bench = Bench::connected();
    bench.link = Link::new(LinkSettings { limits, ..LinkSettings::default() }, 1);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    for number in 0..1000 {
        bench.say(&format!(r#"{{"type":"Metrics","id":"{number}"}}"#));
        bench.written();
        assert!(bench.link.read_room() > 0);
    }
}

#[test]
fn each_hello_is_answered_and_a_flood_of_them_takes_the_memory_of_one() {
    const HELLOS: usize = 20_000;
    let mut bench = Bench::connected();
    bench.written();
    let input = "{\"type\":\"Hello\"}\n".repeat(HELLOS);
    let (mut input, mut answers) = (input.as_bytes(), 0);
    while !input.is_empty() {
        while !input.is_empty() && read_what_may_be(&mut bench, &mut input) > 0 {
            for action in std::mem::take(&mut bench.actions) {
                if matches!(action, crate::Action::Deliver(HostMessage::Hello { .. })) {
                    bench.send(GuestMessage::Hello(crate::sim::hello()));
                }
            }
            assert!(bench.link.held_bytes() < 200_000, "{}", bench.link.held_bytes());
        }
        answers += write_a_line(&mut bench).lines().count();
    }
    answers += bench.written().lines().count();
    assert_eq!(answers, HELLOS);
}

#[test]
fn no_ping_is_lost_either() {
    const PINGS: u64 = 20_000;
    let mut bench = Bench::connected();
    bench.written();
    let ping = |number| format!("{{\"type\":\"keep_alive_request\",\"sequence_number\":{number}}}\n");
    let input: String = (1..=PINGS).map(ping).collect();
    let mut input = input.as_bytes();
    let mut pongs = 0;
    while !input.is_empty() {
        while !input.is_empty() && read_what_may_be(&mut bench, &mut input) > 0 {}
        pongs += write_a_line(&mut bench).lines().count();
    }
    pongs += bench.written().lines().count();
    assert_eq!(pongs as u64, PINGS);
}

#[test]
fn requests_for_metrics_that_are_crowded_out_are_told_so() {
    let mut bench = Bench::connected();
    bench.written();
    for number in 0..20 {
        let request_id = Some(format!("m{number}"));
        bench.send(GuestMessage::SystemMetrics(SystemMetrics { request_id, ..SystemMetrics::default() }));
    }
    let lines = bench.lines();
    let told = |line: &&serde_json::Value| line["error_code"] == "QUEUE_FULL" && line["id"].is_string();
    assert_eq!((lines.iter().filter(told).count(), lines.len()), (12, 20));
}

#[test]
fn without_a_host_nothing_is_held_up() {
    let mut bench = Bench::connected();
    while bench.link.read_room() > 0 {
        bench.say(r#"{"type":"x","id":"a"}"#);
    }
    bench.event(Event::Port(PortEvent::HostDisconnected));
    assert_eq!(bench.link.read_room(), usize::MAX);
}

#[test]
fn the_smallest_outbox_holds_nothing_up_for_good() {
    let limits = Limits { outbox_max_bytes: 1, ..Limits::default() };
    let mut link = Link::new(LinkSettings { limits, ..LinkSettings::default() }, 1);
    let now = Bench::new().clock();
    link.handle(now, Event::Port(PortEvent::Opened { path: "p", host: Some(true) }), &mut Vec::new());
    assert!(link.read_room() > 0);
}
