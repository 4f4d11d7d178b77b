//! What the model promises.

use super::*;
use infiniservice_protocol::metrics::Interface;

fn metrics(at: &str, received: u64, processes: &[(u32, f64, u64)]) -> Event {
    let mut metrics = SystemMetrics { timestamp: Some(at.into()), ..SystemMetrics::default() };
    let interface = Interface { name: "eth0".into(), bytes_received: received, ..Interface::default() };
    metrics.data.system.network.interfaces.push(interface);
    metrics.data.processes = processes
        .iter()
        .map(|(pid, cpu, memory)| Process {
            pid: *pid,
            name: format!("p{pid}"),
            cpu_percent: *cpu,
            memory_kb: *memory,
            ..Process::default()
        })
        .collect();
    message(GuestMessage::SystemMetrics(metrics))
}

fn message(message: GuestMessage) -> Event {
    Event { received: Instant::now(), raw: String::new(), content: Content::Message(message), memory: 0 }
}

fn model() -> Model {
    Model::new("the socket /s".into(), Duration::from_secs(2), Instant::now())
}

fn pids(model: &Model) -> Vec<u32> {
    model.processes().iter().map(|process| process.pid).collect()
}

#[test]
fn rates_come_from_two_samples_by_the_guests_own_clock() {
    let mut model = model();
    model.event(&metrics("2026-11-23T06:00:00.000Z", 1000, &[]));
    assert!(model.rates.is_empty());
    model.event(&metrics("2026-11-23T06:00:02.000Z", 5000, &[]));
    assert_eq!(model.rates["eth0"], (2000.0, 0.0));
}

#[test]
fn a_counter_that_went_back_is_no_rate() {
    let mut model = model();
    model.event(&metrics("2026-11-23T06:00:00.000Z", 5000, &[]));
    model.event(&metrics("2026-11-23T06:00:02.000Z", 10, &[]));
    assert_eq!(model.rates["eth0"], (0.0, 0.0));
}

#[test]
fn the_order_goes_round_and_holds_for_new_figures() {
    let mut model = model();
    let processes = [(3, 1.0, 10), (1, 9.0, 20), (2, 5.0, 30)];
    model.event(&metrics("2026-11-23T06:00:00.000Z", 0, &processes));
    assert_eq!(pids(&model), [1, 2, 3]);
    model.key(Key::Sort);
    assert_eq!(pids(&model), [2, 1, 3]);
    model.event(&metrics("2026-11-23T06:00:02.000Z", 0, &[(7, 9.0, 1), (8, 0.0, 2)]));
    assert_eq!(pids(&model), [8, 7]);
    model.key(Key::Sort);
    assert_eq!((model.sort, pids(&model)), (Sort::Pid, vec![7, 8]));
    model.key(Key::Sort);
    model.key(Key::Sort);
    assert_eq!(model.sort, Sort::Cpu);
}

#[test]
fn a_pause_holds_the_figures_and_nothing_else() {
    let mut model = model();
    model.event(&metrics("2026-11-23T06:00:00.000Z", 0, &[(1, 0.0, 0)]));
    model.key(Key::Pause);
    model.event(&metrics("2026-11-23T06:00:02.000Z", 0, &[(2, 0.0, 0)]));
    assert_eq!(pids(&model), [1]);
    let beat = infiniservice_protocol::guest::KeepAlive { sequence_number: 9, timestamp: None };
    model.event(&message(GuestMessage::KeepAlive(beat)));
    assert_eq!(model.heartbeat.map(|(number, _)| number), Some(9));
    model.key(Key::Pause);
    model.event(&metrics("2026-11-23T06:00:04.000Z", 0, &[(3, 0.0, 0)]));
    assert_eq!(pids(&model), [3]);
}

#[test]
fn scrolling_stays_within_the_list() {
    let mut model = model();
    assert_eq!(model.key(Key::Scroll(5)), Flow::Continue);
    assert_eq!(model.scroll, 0);
    model.event(&metrics("2026-11-23T06:00:00.000Z", 0, &[(1, 0.0, 0), (2, 0.0, 0), (3, 0.0, 0)]));
    model.key(Key::Scroll(-1));
    assert_eq!(model.scroll, 0);
    model.key(Key::Scroll(9));
    assert_eq!(model.scroll, 2);
    model.rows = 2;
    model.key(Key::Bottom);
    assert_eq!(model.scroll, 1);
    model.key(Key::Page(-1));
    assert_eq!(model.scroll, 0);
    model.event(&metrics("2026-11-23T06:00:02.000Z", 0, &[(1, 0.0, 0)]));
    assert_eq!(model.scroll, 0);
    assert_eq!(model.key(Key::Quit), Flow::Quit);
}

#[test]
fn silence_counts_from_the_begin_and_then_from_the_last_line() {
    let mut model = model();
    let later = model.began + Duration::from_secs(60);
    assert!(model.is_waiting(later));
    model.stats.last_line = Some(later);
    assert!(!model.is_waiting(later + Duration::from_secs(5)));
    assert!(model.is_waiting(later + Duration::from_secs(7)));
}
