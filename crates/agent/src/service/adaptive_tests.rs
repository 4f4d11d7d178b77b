//! Simulated series: what the interval becomes, and what that costs in lines.

use super::*;
use infiniservice_protocol::metrics::{FailedCollector, LoadAverage};

const BOUNDS: Bounds = Bounds { usual: 30, min: 5, max: 120 };
const HOUR: u64 = 3600;

fn sample(cpu: f64) -> Data {
    let mut data = Data::default();
    data.system.cpu.usage_percent = cpu;
    data
}

/// The intervals that follow one another while the processor is busy as `cpu` says at each second.
fn intervals(until: u64, cpu: impl Fn(u64) -> f64) -> Vec<(u64, u64)> {
    let (mut adaptive, mut at, mut seen) = (Adaptive::new(BOUNDS), 0, Vec::new());
    while at < until {
        let wait = adaptive.next(&sample(cpu(at)), &Collection::default()).as_secs();
        seen.push((at, wait));
        at += wait;
    }
    seen
}

/// The same numbers at each run: a generator of Lehmer's.
fn noise(second: u64) -> f64 {
    (second.wrapping_mul(48_271) % 2_147_483_647 % 1000) as f64 / 1000.0
}

fn all_in_bounds(seen: &[(u64, u64)]) -> bool {
    seen.iter().all(|(_, wait)| (BOUNDS.min..=BOUNDS.max).contains(wait))
}

#[test]
fn a_quiet_machine_is_looked_at_ever_less_often_down_to_the_bound() {
    let seen = intervals(6 * HOUR, |_| 2.0);
    assert!(all_in_bounds(&seen));
    assert_eq!(seen.last().map(|(_, wait)| *wait), Some(120));
    // Every 30 s it would have been 720.
    assert!(seen.len() < 210, "{}", seen.len());
}

#[test]
fn a_step_is_followed_closely_and_then_let_go() {
    let seen = intervals(3 * HOUR, |second| if second < HOUR { 5.0 } else { 80.0 });
    assert!(all_in_bounds(&seen));
    let (at, wait) = *seen.iter().find(|(at, _)| *at >= HOUR).expect("a sample after the step");
    assert!(at <= HOUR + 120 && wait <= 60, "halved at once: {at} {wait}");
    assert_eq!(seen.last().map(|(_, wait)| *wait), Some(120), "the new level is the usual one");
}

#[test]
fn a_threshold_that_is_crossed_counts_however_small_the_step() {
    let mut adaptive = Adaptive::new(BOUNDS);
    assert_eq!(adaptive.next(&sample(89.9), &Collection::default()).as_secs(), 30);
    assert_eq!(adaptive.next(&sample(90.0), &Collection::default()).as_secs(), 15);
    assert_eq!(adaptive.next(&sample(90.1), &Collection::default()).as_secs(), 15);
    assert_eq!(adaptive.next(&sample(89.9), &Collection::default()).as_secs(), 7);
    assert_eq!(adaptive.next(&sample(90.0), &Collection::default()).as_secs(), 5);
    assert_eq!(adaptive.next(&sample(89.9), &Collection::default()).as_secs(), 5, "never more often");
}

#[test]
fn noise_is_usual_and_keeps_nobody_busy() {
    let seen = intervals(6 * HOUR, |second| 20.0 + 30.0 * noise(second));
    assert!(all_in_bounds(&seen));
    assert!(seen.len() < 6 * 120, "fewer than every 30 s: {}", seen.len());
}

#[test]
fn a_ramp_alarms_nobody_until_it_reaches_the_threshold() {
    let seen = intervals(2 * HOUR, |second| second as f64 / (2 * HOUR) as f64 * 100.0);
    assert!(all_in_bounds(&seen));
    let crossed = seen.windows(2).filter(|pair| pair[1].1 < pair[0].1).count();
    assert_eq!(crossed, 1, "{seen:?}");
}

#[test]
fn a_sawtooth_does_not_make_the_interval_swing() {
    // Within a minute from 10 to 70 %, again and again: large changes are what is usual there.
    let seen = intervals(6 * HOUR, |second| 10.0 + (second % 60) as f64);
    assert!(all_in_bounds(&seen));
    let settled = &seen[seen.len() / 2..];
    let turns = settled.windows(2).filter(|pair| pair[1].1 < pair[0].1).count();
    assert!(turns * 4 <= settled.len(), "{turns} of {}", settled.len());
}

#[test]
fn what_a_collection_costs_bounds_how_often_it_is_made() {
    let mut adaptive = Adaptive::new(BOUNDS);
    adaptive.next(&sample(0.0), &Collection::default());
    let took = |duration_ms| Collection { duration_ms, ..Collection::default() };
    assert_eq!(adaptive.next(&sample(100.0), &took(400)), Duration::from_secs(40));
    assert_eq!(adaptive.next(&sample(0.0), &took(60_000)), Duration::from_secs(120), "never less often");
}

#[test]
fn figures_that_are_missing_or_no_numbers_say_nothing() {
    let mut adaptive = Adaptive::new(BOUNDS);
    for cpu in [f64::NAN, 5.0, f64::INFINITY, f64::NAN, 5.0] {
        assert!(adaptive.next(&sample(cpu), &Collection::default()) >= Duration::from_secs(30));
    }
}

#[test]
fn each_of_the_watched_figures_is_seen() {
    let change: [fn(&mut Data); 5] = [
        |data| data.system.cpu.usage_percent = 60.0,
        |data| data.system.memory.available_kb = 500,
        |data| data.system.load_average = Some(LoadAverage { load_1min: 3.0, ..LoadAverage::default() }),
        |data| data.system.disk.io_stats.io_utilization_percent = 70.0,
        |data| data.system.disk.usage_stats[0].used_gb = 60.0,
    ];
    let mut calm = sample(1.0);
    calm.system.memory.total_kb = 1000;
    calm.system.memory.available_kb = 900;
    calm.system.load_average = Some(LoadAverage::default());
    calm.system.disk.usage_stats = vec![DiskUsage { total_gb: 100.0, used_gb: 50.0, ..DiskUsage::default() }];
    for (number, change) in change.iter().enumerate() {
        let mut adaptive = Adaptive::new(BOUNDS);
        assert_eq!(adaptive.next(&calm, &Collection::default()).as_secs(), 30);
        let mut busy = calm.clone();
        change(&mut busy);
        assert_eq!(adaptive.next(&busy, &Collection::default()).as_secs(), 15, "figure {number}");
    }
}

#[test]
fn a_figure_that_could_not_be_measured_for_once_is_no_change() {
    let mut adaptive = Adaptive::new(BOUNDS);
    let failed = FailedCollector { collector: "cpu".into(), error: "x".into() };
    let without = Collection { failed: vec![failed], ..Collection::default() };
    for (cpu, collection) in [(95.0, &Collection::default()), (0.0, &without), (95.0, &Collection::default())]
    {
        assert_eq!(adaptive.next(&sample(cpu), collection).as_secs(), 30);
    }
}
