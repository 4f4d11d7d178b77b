//! Compressed lines: for whom, from when on, and until when.

use super::bench::Bench;
use super::*;
use infiniservice_protocol::compression::{Decoder, is_compressed};
use infiniservice_protocol::metrics::Process;

const HELLO: &str = r#"{"type":"Hello","accept":["zstd","lz4"]}"#;

fn metrics(bench: &mut Bench) -> Vec<String> {
    let mut metrics = SystemMetrics::default();
    metrics.data.processes =
        (0..40).map(|pid| Process { pid, name: "worker".into(), ..Process::default() }).collect();
    bench.send(GuestMessage::SystemMetrics(metrics));
    bench.written().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A connection whose host asked for compressed lines, and has read all.
fn asking() -> Bench {
    let mut bench = Bench::connected();
    bench.written();
    bench.say(HELLO);
    bench.written();
    bench
}

fn is_plain(lines: &[String]) -> bool {
    matches!(lines, [line] if !is_compressed(line))
}

fn refers_to_another(lines: &[String]) -> bool {
    matches!(lines, [line] if is_compressed(line) && line.contains("\"prev\""))
}

fn stands_alone(lines: &[String]) -> bool {
    matches!(lines, [line] if is_compressed(line) && !line.contains("\"prev\""))
}

#[test]
fn who_does_not_ask_gets_plain_lines() {
    let mut bench = Bench::connected();
    bench.written();
    assert!(is_plain(&metrics(&mut bench)));
    bench.say(r#"{"type":"Hello","id":"h"}"#);
    assert!(is_plain(&metrics(&mut bench)));
    bench.say(r#"{"type":"Hello","accept":["zstd"]}"#);
    assert!(is_plain(&metrics(&mut bench)));
}

#[test]
fn who_asks_gets_metrics_that_refer_to_the_line_before_and_answers_that_stand_alone() {
    let mut bench = asking();
    let mut decoder = Decoder::new(1 << 20);
    let lines = [metrics(&mut bench), metrics(&mut bench)];
    assert!(stands_alone(&lines[0]) && refers_to_another(&lines[1]));
    let answer = Response { stdout: "o".repeat(5000), ..Response::ok("a", "ServiceList", json!({})) };
    bench.send(GuestMessage::Response(answer));
    let answer = vec![bench.written().trim().to_owned()];
    assert!(stands_alone(&answer));
    for line in lines.iter().chain([&answer]).flatten() {
        assert!(decoder.decode(line).unwrap().is_some_and(|line| line.ends_with("Z\"}")));
    }
}

#[test]
fn a_reset_makes_the_next_line_stand_alone_and_is_not_delivered() {
    let mut bench = asking();
    metrics(&mut bench);
    bench.say(r#"{"type":"ZReset"}"#);
    assert!(!bench.asked(|action| matches!(action, Action::Deliver(_) | Action::Log(..))));
    assert!(stands_alone(&metrics(&mut bench)));
    assert!(refers_to_another(&metrics(&mut bench)));
}

#[test]
fn a_new_connection_begins_with_plain_lines_and_then_without_what_was_before() {
    let mut bench = asking();
    metrics(&mut bench);
    bench.event(Event::Port(PortEvent::HostDisconnected));
    bench.event(Event::Port(PortEvent::HostConnected));
    bench.written();
    assert!(is_plain(&metrics(&mut bench)));
    bench.say(HELLO);
    assert!(stands_alone(&metrics(&mut bench)));
}

/// Where the device does not tell of it, the blank line does, with which a host begins.
#[test]
fn a_blank_line_or_a_hello_that_does_not_ask_ends_it() {
    for end in ["", " \r", r#"{"type":"Hello"}"#, r#"{"type":"Hello","accept":[]}"#] {
        let mut bench = asking();
        assert!(stands_alone(&metrics(&mut bench)));
        bench.say(end);
        bench.written();
        assert!(is_plain(&metrics(&mut bench)), "{end:?}");
    }
    let mut bench = Bench::connected();
    bench.say(&format!("\n{HELLO}"));
    bench.written();
    assert!(stands_alone(&metrics(&mut bench)), "asked for behind the blank line");
    bench.say(&format!("{HELLO}\n"));
    assert!(is_plain(&metrics(&mut bench)), "asked for before the blank line");
}

#[test]
fn where_it_is_turned_off_nobody_gets_it() {
    let mut bench = Bench::connected();
    bench.link = Link::new(LinkSettings { compression: false, ..LinkSettings::default() }, 1);
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    bench.say(HELLO);
    assert!(bench.asked(|action| matches!(action, Action::Deliver(HostMessage::Hello { .. }))));
    bench.written();
    assert!(is_plain(&metrics(&mut bench)));
}

#[test]
fn a_torn_compressed_answer_goes_again_whole_to_the_next_host_and_plain() {
    let mut bench = asking();
    let answer = Response { stdout: "o".repeat(5000), ..Response::ok("a", "ServiceList", json!({})) };
    bench.send(GuestMessage::Response(answer));
    let clock = bench.clock();
    assert!(is_compressed(std::str::from_utf8(bench.link.pending_write(clock)).unwrap()));
    bench.event(Event::Port(PortEvent::Wrote(40)));
    bench.event(Event::Port(PortEvent::HostDisconnected));
    bench.event(Event::Port(PortEvent::HostConnected));
    let lines = bench.lines();
    assert!(lines.iter().any(|line| line["id"] == "a" && line["stdout"].as_str().unwrap().len() == 5000));
}

#[test]
fn the_memory_for_it_is_counted_and_given_back() {
    let mut bench = asking();
    metrics(&mut bench);
    let (held, dictionary) = (bench.link.held_bytes(), bench.link.writer.compression.held_bytes());
    assert!(dictionary > 1000);
    bench.event(Event::Port(PortEvent::HostDisconnected));
    assert_eq!(bench.link.held_bytes(), held - dictionary);
}
