//! What the log says of hosts that come and go.

use super::bench::Bench;
use super::*;
use log::Level;

/// What was logged since the last look at the least at this level.
fn said(bench: &Bench, least: Level) -> Vec<String> {
    let line = |action: &Action| match action {
        Action::Log(level, text) if *level <= least => Some(text.clone()),
        _ => None,
    };
    bench.actions.iter().filter_map(line).collect()
}

/// A link on an open port, whose host is away.
fn away() -> Bench {
    let mut bench = Bench::connected();
    bench.written();
    bench.event(Event::Port(PortEvent::HostDisconnected));
    bench
}

/// A host comes for a while; what is said of it, and whether a timer was wanted while it was there.
fn visit(bench: &mut Bench, seconds: f64, least: Level) -> Vec<String> {
    bench.event(Event::Port(PortEvent::HostConnected));
    let mut lines = said(bench, least);
    bench.written();
    bench.wait(seconds);
    if bench.link.next_deadline().is_some_and(|due| bench.now >= due) {
        bench.event(Event::Timer);
        lines.extend(said(bench, least));
    }
    bench.event(Event::Port(PortEvent::HostDisconnected));
    lines.extend(said(bench, least));
    lines
}

#[test]
fn a_host_that_comes_for_one_question_costs_the_log_nothing_above_debug() {
    let mut bench = away();
    for _ in 0..1000 {
        bench.wait(60.0);
        assert_eq!(visit(&mut bench, 0.2, Level::Info), Vec::<String>::new());
        assert_eq!(bench.link.next_deadline(), None, "no timer while no host is there");
    }
    bench.wait(60.0);
    assert_eq!(visit(&mut bench, 0.2, Level::Debug), ["the host disconnected after 0s"]);
}

#[test]
fn a_host_that_stays_is_told_after_a_second_with_those_that_did_not() {
    let mut bench = away();
    bench.wait(90.0);
    let told = visit(&mut bench, 1.0, Level::Info);
    assert_eq!(told, ["a host is connected after 1m 30s", "the host disconnected after 1s"]);
    visit(&mut bench, 0.9, Level::Info);
    visit(&mut bench, 0.9, Level::Info);
    let told = visit(&mut bench, 5.0, Level::Info);
    assert_eq!(told[0], "a host is connected after 0s; 2 earlier ones stayed for less than a second each");
    assert_eq!(visit(&mut bench, 5.0, Level::Info)[0], "a host is connected after 0s");
}

#[test]
fn a_host_that_is_there_when_the_port_opens_is_told_at_once() {
    let mut bench = Bench::new();
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    assert!(said(&bench, Level::Info).iter().any(|line| line.starts_with("a host is connected")));
}

#[test]
fn a_port_that_fails_tells_of_no_host_afterwards() {
    let mut bench = away();
    bench.event(Event::Port(PortEvent::HostConnected));
    bench.event(Event::Port(PortEvent::IoFailed("EIO".into())));
    bench.wait(2.0);
    bench.event(Event::Timer);
    assert!(!said(&bench, Level::Debug).iter().any(|line| line.contains("a host is connected")));
}

#[test]
fn while_no_host_is_connected_nothing_is_due_and_nothing_moves() {
    let mut bench = Bench::new();
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(false) }));
    bench.respond("kept");
    assert_eq!(bench.link.next_deadline(), None);
    bench.wait(1e6);
    bench.event(Event::HealthCheck);
    assert!(bench.actions.is_empty());
    assert_eq!(bench.link.stats().reconnections, 0);
}
