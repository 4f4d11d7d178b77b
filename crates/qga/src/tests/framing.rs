//! Reading: any bytes in any portions, and finding back.

use super::guest::Guest;
use super::replay::recordings;
use crate::limits::{ANSWER_BACKLOG_BYTES, HALF_READ_KEPT, MAX_DEPTH, MAX_VALUES};
use crate::table::Platform;
use crate::{Event, Policy, PortEvent, Session, Settings, fuzzing};
use proptest::prelude::*;
use std::time::Duration;

const PING: &str = "{\"execute\":\"guest-ping\"}\n";
const PONG: &str = "{\"return\":{}}\n";

fn errors(answers: &str) -> usize {
    answers.matches("JSON parse error").count()
}

/// What the protocol is made of, and what breaks it.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<Vec<u8>> = recordings().iter().map(|recorded| recorded.tx.clone().into_bytes()).collect();
    let words: Vec<Vec<u8>> = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ",",
        ":",
        "\n",
        " ",
        "\0",
        "{\"execute\":",
        "\"id\":",
        "1",
        "null",
        "{}",
        "hello",
        PING,
    ]
    .map(|word| word.as_bytes().to_vec())
    .into();
    let piece = prop_oneof![
        3 => proptest::sample::select(words),
        2 => proptest::sample::select(known),
        1 => Just(vec![0xFF]),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_in_any_portions_do_no_harm_and_0xff_recovers(portion in any::<u8>(), bytes in pieces()) {
        fuzzing::session(&[vec![portion], bytes].concat());
    }

    #[test]
    fn a_request_torn_anywhere_costs_the_next_client_nothing(at in 1_usize..70) {
        let torn = "{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/x\\\"y\",\"mode\":\"r\"},\"id\":7}";
        let mut guest = Guest::new();
        guest.send(&torn[..at]);
        guest.send("{\"execute\":\"guest-sync\", \"arguments\":{\"id\":1795895247493}}\n");
        guest.send(PING);
        let answers = guest.answers();
        prop_assert!(answers.ends_with(&format!("{{\"return\":1795895247493}}\n{PONG}")), "{}", answers);
        prop_assert!(errors(&answers) <= 1, "{}", answers);
    }
}

#[test]
fn recorded_requests_go_through_the_fuzz_target() {
    for recorded in recordings() {
        for portion in [0, 6, 255] {
            fuzzing::session(&[&[portion], recorded.tx.as_bytes()].concat());
        }
    }
}

#[test]
fn members_of_a_torn_request_s_successor_may_stand_in_any_order() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-pi");
    guest.send("{\"arguments\":{\"id\":4},\"execute\":\"guest-sync-delimited\"}\n");
    guest.send("{\"arguments\":{},\"execute\":\"guest-ping\"}\n");
    let answers = guest.answers();
    assert!(answers.ends_with(&format!("^{{\"return\":4}}\n{PONG}")), "{answers}");
    assert_eq!(errors(&answers), 1);
}

#[test]
fn a_host_that_leaves_takes_what_it_sent_in_part_along() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":");
    guest.tell(Event::Port(PortEvent::HostDisconnected));
    guest.tell(Event::Port(PortEvent::HostConnected));
    guest.send(PING.trim_end());
    assert_eq!(guest.answers(), PONG);
}

#[test]
fn a_request_that_does_not_grow_is_dropped_at_the_next_byte() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":");
    guest.later(HALF_READ_KEPT);
    guest.send(" ");
    guest.later(HALF_READ_KEPT + Duration::from_millis(1));
    guest.send(PING.trim_end());
    let answers = guest.answers();
    assert!(answers.ends_with(PONG) && errors(&answers) == 1, "{answers}");
}

#[test]
fn a_request_may_go_over_lines_and_needs_no_newline() {
    let mut guest = Guest::new();
    guest.send("{\r\n\t\"execute\":\n\"guest-sync\",\n\"arguments\":{\n\"id\":-5\n}\n}");
    assert_eq!(guest.answers(), "{\"return\":-5}\n");
}

#[test]
fn garbage_is_answered_once_whatever_it_is_made_of() {
    for garbage in [
        "hello\n",
        "GET / HTTP/1.0\r\n",
        "\0\0\0\n",
        "}}]],,::\n",
        "{\"a\" \0 b}}\n",
        "{\"execute\":\"x\ty\"}\n",
    ] {
        let mut guest = Guest::new();
        guest.send(garbage);
        guest.send(PING);
        let answers = guest.answers();
        assert!(answers.ends_with(PONG) && errors(&answers) == 1, "{garbage:?}: {answers}");
    }
}

#[test]
fn limits_are_told_once_and_the_rest_of_the_request_is_no_request() {
    let deep = format!("{}{}\n", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
    let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
    let long = format!("{{\"id\":\"{}\",\"x\":{{\"execute\":\"guest-ping\"}}}}", "x".repeat(5000));
    for (request, text) in [(deep, "nesting depth"), (many, "token count"), (long, "token size")] {
        let settings = Settings { max_request_bytes: 5000.max(request.len() / 2), ..settings() };
        let settings = if text == "token count" { self::settings() } else { settings };
        let mut guest = Guest::new();
        guest.session = Session::new(settings);
        guest.tell(Event::Port(PortEvent::Opened { path: "port", host: None }));
        for part in request.as_bytes().chunks(1000) {
            guest.tell(Event::Port(PortEvent::Read(part)));
        }
        guest.send(PING);
        let wanted = format!(
            "{{\"error\":{{\"class\":\"GenericError\",\"desc\":\"JSON {text} limit exceeded\"}}}}\n{PONG}"
        );
        assert_eq!(guest.answers(), wanted);
    }
}

fn settings() -> Settings {
    Settings::new(Policy::all(Platform::Linux))
}

#[test]
fn a_host_that_does_not_read_is_held_up_and_loses_nothing() {
    let mut guest = Guest::new();
    guest.writable = false;
    let request = format!("{{\"execute\":\"guest-ping\",\"id\":\"{}\"}}\n", "x".repeat(1000));
    let mut sent = 0;
    while guest.session.read_room() > 0 {
        guest.send(&request.repeat(30));
        sent += 30;
        assert!(guest.session.held_bytes() < 2 * ANSWER_BACKLOG_BYTES);
    }
    guest.writable = true;
    guest.write();
    assert_eq!(guest.answers().lines().count(), sent);
    assert!(guest.session.is_drained() && guest.session.read_room() > 0);
}

#[test]
fn endless_trials_for_a_torn_request_are_bounded() {
    let mut guest = Guest::new();
    let beginning = "{\"id\":".repeat(100);
    let end = "}\n".repeat(30);
    guest.send(&beginning);
    for _ in 0..2000 {
        guest.send(&end);
    }
    guest.tell(Event::Port(PortEvent::Read(b"\xff")));
    guest.send(PING);
    assert!(guest.answers().ends_with(PONG));
}
