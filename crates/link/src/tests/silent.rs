//! A host that reads and answers no heartbeat, or does not read at all.

use super::bench::Bench;
use super::*;

/// Minutes with a host that takes every byte and answers nothing; what was logged as a warning.
fn silent_minutes(bench: &mut Bench, minutes: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    for second in 0..minutes * 60 {
        bench.wait(1.0);
        for event in [Event::Timer, Event::HealthCheck] {
            if second % 60 != 0 && matches!(event, Event::HealthCheck) {
                continue;
            }
            bench.event(event);
            for action in std::mem::take(&mut bench.actions) {
                match action {
                    Action::Open => drop(
                        bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) })).len(),
                    ),
                    Action::Log(log::Level::Warn, text) => warnings.push(text),
                    _ => {}
                }
            }
        }
        bench.written();
    }
    warnings
}

#[test]
fn a_host_that_answers_no_heartbeat_is_critical_within_seven_minutes_and_that_is_said_again() {
    let mut bench = Bench::connected();
    silent_minutes(&mut bench, 7);
    assert_eq!(bench.link.quality(), Quality::Critical);
    let warnings = silent_minutes(&mut bench, 33);
    let said = warnings.iter().filter(|text| text.contains("has been Critical for")).count();
    assert!((3..=4).contains(&said), "{warnings:?}");
}

#[test]
fn a_host_that_only_reads_costs_three_reconnections_and_then_one_now_and_then_and_that_is_said_once() {
    let mut bench = Bench::connected();
    let mut informed = 0;
    let mut closed = Vec::new();
    for second in 0..3600_u64 {
        bench.wait(1.0);
        bench.event(Event::Timer);
        for action in std::mem::take(&mut bench.actions) {
            match action {
                Action::Open => {
                    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
                }
                Action::Close(_) => closed.push(second),
                Action::Log(_, text) => informed += usize::from(text.contains("answers no heartbeats")),
                _ => {}
            }
        }
        bench.written();
    }
    assert_eq!(informed, 1);
    assert!(closed.get(2).is_some_and(|third| *third < 300), "{closed:?}");
    assert!((8..=16).contains(&closed.len()), "{closed:?}");
    assert_eq!(bench.link.stats().breaker_opens, 0);
    let number = bench.link.stats().heartbeats_sent;
    bench.say(&format!(r#"{{"type":"KeepAliveResponse","sequence_number":{number}}}"#));
    let before = bench.link.stats().reconnections;
    silent_minutes(&mut bench, 4);
    assert!(
        bench.link.stats().reconnections > before + 1,
        "one that answered is reconnected to at once again"
    );
}

#[test]
fn a_host_that_takes_nothing_for_thirty_seconds_is_not_excellent() {
    let mut bench = Bench::connected();
    for number in 1..60 {
        bench.written();
        bench.say(&format!(r#"{{"type":"KeepAliveResponse","sequence_number":{number}}}"#));
        bench.run(30);
    }
    bench.written();
    bench.event(Event::HealthCheck);
    assert_eq!(bench.link.quality(), Quality::Excellent);
    bench.respond("waits");
    bench.run(31);
    bench.event(Event::HealthCheck);
    assert!(bench.link.quality() >= Quality::Poor, "{}", bench.link.quality());
}
