//! What may be lost is lost first, and nothing of it grows.

use crate::outbox::{Item, Outbox, RESERVE};
use infiniservice_protocol::Limits;
use infiniservice_protocol::guest::{Output, OutputStream, Response};
use infiniservice_protocol::stream::Stream;
use serde_json::json;

fn sample(subscription: u64, seq: u64) -> Stream {
    Stream { subscription, seq, ..Stream::default() }
}

fn piece(id: &str, seq: u64, bytes: usize) -> Output {
    let stream = OutputStream::Stdout;
    Output { id: id.into(), stream, seq, text: "x".repeat(bytes), timestamp: None }
}

/// Lines that wait, by their numbers; answers by `answer`.
fn drain(outbox: &mut Outbox) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(item) = outbox.pop() {
        outbox.release(&item);
        found.push(match item {
            Item::Extra(body) => {
                let mut line = Vec::new();
                body.finish(std::time::SystemTime::UNIX_EPOCH, &mut line);
                let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
                format!("{} {}", line["type"].as_str().unwrap(), line["seq"])
            }
            _ => "other".to_owned(),
        });
    }
    found
}

#[test]
fn a_host_that_reads_slowly_gets_fewer_samples_and_each_subscription_its_own() {
    let mut outbox = Outbox::new(Limits::default());
    assert!(outbox.sample(sample(1, 1)) && !outbox.sample(sample(1, 2)) && outbox.sample(sample(2, 7)));
    assert_eq!(drain(&mut outbox), ["stream 1", "stream 7"]);
    assert!(outbox.sample(sample(1, 3)));
    assert_eq!((drain(&mut outbox), outbox.held_bytes()), (vec!["stream 3".to_owned()], 0));
}

#[test]
fn subscriptions_that_came_and_went_leave_no_more_samples_than_there_may_be_subscriptions() {
    let mut outbox = Outbox::new(Limits::default());
    let taken = (0..1000).filter(|number| outbox.sample(sample(*number, 1))).count();
    assert_eq!(taken, infiniservice_protocol::stream::MAX_SUBSCRIPTIONS);
}

#[test]
fn where_answers_fill_half_of_the_outbox_samples_are_left_out() {
    let limits = Limits { outbox_max_bytes: 8 * RESERVE, ..Limits::default() };
    let mut outbox = Outbox::new(limits);
    assert!(outbox.reserve(1));
    let long = Response { stdout: "x".repeat(5 * RESERVE), ..Response::ok("a", "X", json!({})) };
    outbox.answer(long);
    assert!(!outbox.sample(sample(1, 1)));
    assert_eq!(drain(&mut outbox), ["other"]);
    assert!(outbox.sample(sample(1, 2)));
}

#[test]
fn output_goes_after_answers_before_samples_and_not_after_its_own_response() {
    let mut outbox = Outbox::new(Limits::default());
    assert!(outbox.sample(sample(1, 9)));
    for (id, seq) in [("a", 1), ("b", 2), ("a", 3)] {
        assert!(outbox.output(piece(id, seq, 10)));
    }
    assert!(outbox.reserve(1));
    outbox.answer(Response::ok("a", "X", json!({})));
    assert_eq!(drain(&mut outbox), ["other", "output 2", "stream 9"]);
    assert_eq!(outbox.held_bytes(), 0);
}

#[test]
fn output_that_nobody_reads_takes_a_megabyte_and_no_more() {
    let mut outbox = Outbox::new(Limits::default());
    let taken = (1..1000).filter(|seq| outbox.output(piece("a", *seq, 16 << 10))).count();
    assert!((60..=65).contains(&taken), "{taken}");
    assert!(outbox.held_bytes() < (1 << 20) + (32 << 10));
    outbox.disconnect();
    assert_eq!((outbox.held_bytes(), outbox.is_empty()), (0, true));
    assert!(outbox.output(piece("a", 1000, 10)));
}

#[test]
fn a_sample_or_a_piece_that_was_torn_is_not_sent_again() {
    let mut outbox = Outbox::new(Limits::default());
    assert!(outbox.sample(sample(1, 1)) && outbox.output(piece("a", 1, 10)));
    while let Some(item) = outbox.pop() {
        outbox.restore(item);
    }
    assert!(outbox.is_empty());
}
