//! A host that asks faster than it reads is held up by its own answers, and loses none.

use super::bench::Bench;
use crate::{Event, Link, LinkSettings};
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::{ErrorCode, GuestMessage, Limits};

/// Reads what there is room for, as the driver does: at most 16 KiB at once.
fn read_what_may_be(bench: &mut Bench, input: &mut &[u8]) -> usize {
    let count = bench.link.read_room().min(16 << 10).min(input.len());
    let (now, rest) = input.split_at(count);
    *input = rest;
    bench.event(Event::Read(now));
    count
}

/// The port takes one line, however long.
fn write_a_line(bench: &mut Bench) -> String {
    let clock = bench.clock();
    let bytes = bench.link.pending_write(clock).to_vec();
    bench.event(Event::Wrote(bytes.len()));
    String::from_utf8(bytes).expect("ASCII")
}

/// The shortest line that is refused by a response, the one for which the room was reckoned.
#[test]
fn no_refusal_is_lost_however_slowly_the_host_reads() {
    const LINES: usize = 100_000;
    let mut bench = Bench::connected();
    bench.written();
    let lines: Vec<String> =
        (0..LINES).map(|number| format!("{{\"type\":\"x\",\"id\":\"{number}\"}}\n")).collect();
    let input = lines.concat();
    let mut input = input.as_bytes();
    let mut written = String::new();
    while !input.is_empty() {
        while !input.is_empty() && read_what_may_be(&mut bench, &mut input) > 0 {}
        written += &write_a_line(&mut bench);
    }
    written += &bench.written();
    let code = format!("\"error_code\":\"{}\"", ErrorCode::UnknownType);
    assert_eq!(written.lines().filter(|line| line.contains(&code)).count(), LINES);
    assert_eq!(bench.link.stats().refusals_dropped, 0);
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
    bench.event(Event::HostDisconnected);
    assert_eq!(bench.link.read_room(), usize::MAX);
}

#[test]
fn the_smallest_outbox_holds_nothing_up_for_good() {
    let limits = Limits { outbox_max_bytes: 1, ..Limits::default() };
    let mut link = Link::new(LinkSettings { limits, ..LinkSettings::default() }, 1);
    let now = Bench::new().clock();
    link.handle(now, Event::Opened { path: "p", host: Some(true) }, &mut Vec::new());
    assert!(link.read_room() > 0);
}
