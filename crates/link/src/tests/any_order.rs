//! Events in any order, sensible or not: the link neither panics nor spins, and keeps its bounds.

use super::super::*;
use super::bench::Bench;
use infiniservice_protocol::metrics::SystemMetrics;

const SEEDS: u64 = 300;
const EVENTS: usize = 400;

#[test]
fn any_order_of_events_is_taken_without_panic_or_spin_and_within_bounds() {
    for seed in 0..SEEDS {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bench = Bench::new();
        for _ in 0..EVENTS {
            bench.wait(rng.f64() * f64::from(1 << rng.u32(..12)));
            any_event(&mut bench, &mut rng);
            serve_timers(&mut bench, seed);
            assert!(bench.link.waiting_bytes() <= LinkSettings::default().limits.outbox_max_bytes);
        }
    }
}

fn any_event(bench: &mut Bench, rng: &mut fastrand::Rng) {
    let lines = [
        "{\"type\":\"KeepAliveResponse\",\"sequence_number\":1}",
        "x",
        "{\"type\":\"Metrics\"}",
        super::COMMAND,
    ];
    match rng.u8(..16) {
        0 => {
            bench.event(Event::Port(PortEvent::Opened { path: "p", host: None }));
        }
        1 => {
            bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(rng.bool()) }));
        }
        2 => {
            bench.event(Event::Port(PortEvent::OpenFailed(OpenFailure::Absent)));
        }
        3 => {
            bench.event(Event::Port(PortEvent::OpenFailed(OpenFailure::Busy("b".into()))));
        }
        4 => {
            bench.event(Event::Port(PortEvent::HostConnected));
        }
        5 => {
            bench.event(Event::Port(PortEvent::HostDisconnected));
        }
        6 => bench.say(lines[rng.usize(..lines.len())]),
        7 => {
            bench.event(Event::Port(PortEvent::Read(&[rng.u8(..); 40])));
        }
        8 => {
            let clock = bench.clock();
            let offered = bench.link.pending_write(clock).len();
            bench.event(Event::Port(PortEvent::Wrote(rng.usize(..=offered))));
        }
        9 => {
            bench.event(Event::Port(PortEvent::Wrote(rng.usize(..10_000))));
        }
        10 => {
            bench.event(Event::Port(PortEvent::IoFailed("e".into())));
        }
        11 => {
            bench.event(Event::Port(PortEvent::DeviceGone));
        }
        12 => {
            bench.event(Event::Port(PortEvent::DevicesChanged));
        }
        13 => bench.respond("r"),
        14 => bench.send(GuestMessage::SystemMetrics(SystemMetrics::default())),
        _ => {
            bench.event(Event::HealthCheck);
        }
    }
}

/// A timer that was served must not be due again at the same moment.
fn serve_timers(bench: &mut Bench, seed: u64) {
    for _ in 0..3 {
        if bench.link.next_deadline().is_none_or(|due| due > bench.now) {
            return;
        }
        bench.event(Event::Timer);
    }
    assert!(bench.link.next_deadline().is_none_or(|due| due > bench.now), "spins with seed {seed}");
}
