//! Exact bytes of the wire, both ways. `BLESS=1 cargo test -p infiniservice-protocol` writes them anew: look at what
//! changed before committing it, for a difference here is a change of the contract.

use crate::samples;
use infiniservice_protocol::envelope::{Signer, Verifier};
use infiniservice_protocol::sealed::{Controllers, HostEnd, KeyPair, Opener, seal_answer};
use infiniservice_protocol::{Body, GuestLine, GuestMessage, HostMessage, parse_guest_line, parse_host_line};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_795_415_400_123)
}

/// Compares with, or under `BLESS` writes, a golden file.
pub fn assert_golden(name: &str, lines: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, lines).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (stored, got)) in stored.lines().zip(lines.lines()).enumerate() {
        assert_eq!(stored, got, "{name}, line {}", number + 1);
    }
    assert_eq!(stored.len(), lines.len(), "{name} has other lines than the code gives");
}

pub fn guest_lines(messages: &[GuestMessage]) -> String {
    let mut out = Vec::new();
    for message in messages {
        Body::encode(message).finish(now(), &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn assert_guest_golden(name: &str, messages: &[GuestMessage]) {
    let lines = guest_lines(messages);
    assert_golden(name, &lines);
    for (line, message) in lines.lines().zip(messages) {
        let Ok(GuestLine::Known(mut read)) = parse_guest_line(line) else { panic!("unreadable: {line}") };
        assert!(line.is_ascii() && read.timestamp().is_some());
        assert!(parse_host_line(line).expect_err(line).from_guest, "as a host's line: {line}");
        read.clear_timestamp();
        assert_eq!(&read, message);
    }
}

#[test]
fn metrics_stand_on_the_wire_as_they_always_did() {
    assert_guest_golden("system_metrics.jsonl", &samples::metrics());
}

#[test]
fn the_guest_s_other_messages_stand_on_the_wire_as_they_always_did() {
    assert_guest_golden("guest.jsonl", &samples::guest());
}

#[test]
fn each_action_s_response_stands_on_the_wire_as_it_always_did() {
    assert_guest_golden("responses.jsonl", &samples::responses());
}

#[test]
fn the_host_s_messages_stand_on_the_wire_as_they_always_did_and_are_read_back() {
    let messages = samples::host();
    let lines: String = messages.iter().map(|message| message.to_line(now())).collect();
    assert_golden("host.jsonl", &lines);
    for (line, message) in lines.lines().zip(&messages) {
        assert_eq!(&parse_host_line(line).unwrap(), message);
    }
}

#[test]
fn lines_that_are_refused_are_answered_as_they_always_were() {
    let answer = |line: &&str| parse_host_line(line).expect_err(line).into_message();
    let answers: Vec<_> = samples::REFUSED.iter().map(answer).collect();
    assert_golden("refused.jsonl", &guest_lines(&answers));
}

#[test]
fn a_signed_line_stands_on_the_wire_as_it_always_did() {
    let payload = HostMessage::Metrics { id: Some("m-1".into()) }.to_payload(now());
    let line = Signer::new("a shared secret").sign(1_795_415_400_123, "0001", &payload);
    assert_golden("signed.jsonl", &line);
    let taken = Verifier::new("a shared secret").verify(1_795_415_400_123, &line).unwrap();
    assert_eq!(taken, payload);
}

/// The guest's key is 32 bytes of 1, that of the controller `ops-2` 32 bytes of 2, and the randomness 32 bytes of 3.
#[test]
fn sealed_lines_stand_on_the_wire_as_they_always_did() {
    let (guest, ops) = (KeyPair::from_bytes([1; 32]), KeyPair::from_bytes([2; 32]));
    let known = Controllers::parse(&format!("ops-2 {}", ops.public())).unwrap();
    let end = HostEnd::new("ops-2", ops, guest.public().clone());
    let payload = HostMessage::Metrics { id: Some("m-1".into()) }.to_payload(now());
    let asked = end.seal((1_795_415_400_123, "0001"), Some("m-1"), &payload, [3; 32]).unwrap();
    assert_golden("sealed_host.jsonl", &asked);
    let opened = Opener::new(guest.clone(), known.clone().into()).open(0, 1_795_415_400_123, &asked).unwrap();
    assert_eq!((&*opened.kid, opened.payload), ("ops-2", payload));
    let line = "{\"type\":\"keep_alive\",\"sequence_number\":1}";
    let mut answer = Vec::new();
    let body = seal_answer(&guest, known.find("ops-2").unwrap(), Some("m-1"), line.as_bytes(), [3; 32]);
    body.unwrap().finish(now(), &mut answer);
    let answer = String::from_utf8(answer).unwrap();
    assert_golden("sealed_guest.jsonl", &answer);
    assert_eq!(end.open(&answer), Some(Ok(line.to_owned())));
}
