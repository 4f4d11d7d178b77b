//! A receiver that is away, busy, or refuses: what is tried when, what is lost, and what is said of it.

use super::*;
use std::time::Duration;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn packed(signal: Signal, number: u8, bytes: usize) -> Packed {
    Packed { signal, items: 10, body: vec![number; bytes] }
}

fn later(after: Option<u64>) -> Outcome {
    Outcome::Later { after: after.map(at), why: "away".to_owned() }
}

fn taken(rejected: u64) -> Outcome {
    Outcome::Taken { rejected, why: "too old".to_owned() }
}

#[test]
fn what_is_too_much_costs_the_oldest_of_the_signal_that_takes_most_room_and_is_counted() {
    let mut queue = Queue::new(100);
    queue.push(packed(Signal::Logs, 0, 30));
    for number in 0..5 {
        queue.push(packed(Signal::Metrics, number, 40));
    }
    assert!(queue.bytes() <= 100);
    let status = queue.status();
    assert_eq!(status.of.map(|it| it.overflowed), [40, 0, 0]);
    assert_eq!(queue.take(at(0)).unwrap(), packed(Signal::Logs, 0, 30));
    assert_eq!(queue.take(at(0)).unwrap(), packed(Signal::Metrics, 4, 40));
    assert_eq!((queue.take(at(0)), queue.bytes()), (None, 0));
    queue.push(packed(Signal::Traces, 0, 101));
    assert_eq!((queue.bytes(), queue.status().of[2].overflowed), (0, 10));
    queue.lost(Signal::Traces, 7);
    assert_eq!(queue.status().of[2].overflowed, 17);
}

#[test]
fn what_was_not_taken_is_tried_again_at_its_place_and_ever_more_seldom() {
    let mut queue = Queue::new(1000);
    queue.push(packed(Signal::Logs, 1, 10));
    queue.push(packed(Signal::Logs, 2, 10));
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let first = queue.take(now).unwrap();
        assert_eq!(first.body[0], 1);
        queue.settle(now, first, later(None), 0.5);
        assert_eq!(queue.take(now), None);
        let wait = queue.wait(now).unwrap();
        pauses.push(wait.as_secs());
        now += wait;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    let first = queue.take(now).unwrap();
    assert_eq!(queue.settle(now, first, taken(0), 0.5), Some(Notice::Works));
    let second = queue.take(now).unwrap();
    queue.settle(now, second, later(None), 0.5);
    assert_eq!(queue.wait(now), Some(at(1)));
}

#[test]
fn a_receiver_says_itself_when_it_wants_more_within_reason() {
    let mut queue = Queue::new(1000);
    for (now, asked, waited) in [(0, 7, 7), (10_000, 0, 1), (20_000, 100_000, 600)] {
        queue.push(packed(Signal::Metrics, 0, 1));
        let one = queue.take(at(now)).unwrap();
        queue.settle(at(now), one, later(Some(asked)), 0.0);
        assert_eq!(queue.wait(at(now)), Some(at(waited)));
        let again = queue.take(at(now + waited)).unwrap();
        queue.settle(at(now + waited), again, taken(0), 0.0);
    }
}

#[test]
fn a_signal_that_is_not_taken_does_not_hold_up_the_others() {
    let mut queue = Queue::new(1000);
    for signal in Signal::ALL {
        queue.push(packed(signal, 0, 1));
    }
    for _ in Signal::ALL {
        let one = queue.take(at(0)).unwrap();
        let outcome = if one.signal == Signal::Metrics { later(Some(60)) } else { taken(0) };
        queue.settle(at(0), one, outcome, 0.0);
    }
    let status = queue.status();
    assert_eq!(status.of.map(|it| (it.sent, it.failing)), [(0, true), (10, false), (10, false)]);
    assert_eq!((queue.wait(at(0)), status.queue_bytes), (Some(at(60)), 1));
}

#[test]
fn what_goes_wrong_is_told_once_and_that_it_works_again_once() {
    let mut queue = Queue::new(1000);
    let mut told = Vec::new();
    let refused = || Outcome::Refused { why: "answers 400".to_owned() };
    let all =
        [taken(0), later(None), later(None), refused(), refused(), taken(3), taken(4), taken(0), taken(0)];
    for (n, outcome) in all.into_iter().enumerate() {
        queue.push(packed(Signal::Logs, 0, 1));
        let one = queue.take(at(1000 * n as u64)).unwrap();
        told.extend(queue.settle(at(1000 * n as u64), one, outcome, 0.0).map(|notice| (n, notice)));
    }
    let kinds: Vec<_> = told.iter().map(|(n, notice)| (*n, matches!(notice, Notice::Works))).collect();
    assert_eq!(kinds, [(1, false), (3, false), (5, false), (7, true)]);
    assert!(matches!(&told[1].1, Notice::Wrong(why) if why.contains("answers 400") && why.contains("lost")));
    assert!(matches!(&told[2].1, Notice::Wrong(why) if why == "3 of 10 items were refused: too old"));
    let logs = queue.status().of[Signal::Logs as usize];
    assert_eq!((logs.sent, logs.rejected, logs.failing), (10 + 7 + 6 + 10 + 10, 10 + 10 + 3 + 4, false));
}

#[test]
fn a_ring_keeps_the_newest_and_counts_the_others() {
    let mut ring = Ring::new(3);
    ring.extend(0..5);
    assert_eq!((ring.take_lost(), ring.take(2), ring.take(9)), (2, vec![2, 3], vec![4]));
    assert_eq!(ring.take_lost(), 0);
}
