//! What sealed lines promise.

use super::*;
use crate::ErrorCode;
use crate::parse::is_of_guest;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

const NOW: u64 = 1_763_880_000_000;
const PAYLOAD: &str = r#"{"type":"SafeCommand","id":"c-1","command_type":{"action":"Reboot"}}"#;
const RANDOM: Random = [5; KEY_BYTES];

fn pair(n: u8) -> KeyPair {
    KeyPair::from_bytes([n; KEY_BYTES])
}

fn guest() -> KeyPair {
    pair(1)
}

/// The controllers `ops-2` and `ops-3`, by the keys 2 and 3.
fn controllers() -> Arc<Controllers> {
    let text = format!("ops-2 {}\nops-3 {}\n", pair(2).public(), pair(3).public());
    Arc::new(Controllers::parse(&text).unwrap())
}

fn opener() -> Opener {
    Opener::new(guest(), controllers())
}

fn host(n: u8) -> HostEnd {
    HostEnd::new(&format!("ops-{n}"), pair(n), guest().public().clone())
}

fn sealed(id: Option<&str>, payload: &str) -> String {
    host(2).seal((NOW, "n"), id, payload, RANDOM).unwrap()
}

fn answer(id: Option<&str>, line: &str) -> String {
    let to = controllers().find("ops-2").cloned().unwrap();
    let mut out = Vec::new();
    seal_answer(&guest(), &to, id, line.as_bytes(), RANDOM).unwrap().finish(UNIX_EPOCH, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_sealed_line_gives_its_payload_and_says_who_sealed_it() {
    for id in [None, Some("c-1")] {
        let opened = opener().open(0, NOW, &sealed(id, PAYLOAD)).unwrap();
        assert_eq!((&*opened.kid, opened.role, opened.id.as_deref()), ("ops-2", Role::Control, id));
        assert_eq!(opened.payload, PAYLOAD);
    }
}

#[test]
fn an_answer_is_opened_by_the_one_it_is_for() {
    let line = answer(Some("c-1"), "{\"type\":\"keep_alive\"}\n");
    assert_eq!(host(2).open(&line), Some(Ok("{\"type\":\"keep_alive\"}".into())));
    assert_eq!(host(3).open(&line), Some(Err(AnswerError::OfAnother)));
    assert_eq!(host(2).open("{\"type\":\"keep_alive\"}"), None);
    let stranger = HostEnd::new("ops-2", pair(2), pair(9).public().clone());
    assert_eq!(stranger.open(&line), Some(Err(AnswerError::NotOpened)), "of another guest");
}

#[test]
fn nothing_of_what_is_hidden_stands_on_the_line_and_its_length_is_a_multiple() {
    let short = sealed(None, "{}");
    let long = sealed(None, &format!("{{\"type\":\"{}\"}}", "x".repeat(100)));
    assert_eq!(short.len(), long.len(), "both have the same padding");
    let line: Value = serde_json::from_str(&sealed(Some("c-1"), PAYLOAD)).unwrap();
    let ct = STANDARD.decode(line["ct"].as_str().unwrap()).unwrap();
    assert_eq!((ct.len() - TAG_BYTES) % PAD_BYTES, 0);
    assert!(!line.to_string().contains("Reboot") && !line.to_string().contains("SafeCommand"));
}

#[test]
fn a_line_is_taken_once_and_in_time() {
    let line = sealed(None, PAYLOAD);
    let early = opener().open(NOW + 7, NOW, &line);
    assert_eq!(early, Err(EnvelopeError::BeforeStart { early_ms: 7 }));
    let mut opener = opener();
    assert!(opener.open(0, NOW, &line).is_ok());
    assert_eq!(opener.open(0, NOW, &line), Err(EnvelopeError::Replayed));
    assert_eq!(opener.newest(), Some(NOW));
    let late = opener.open(0, NOW + 300_001, &line);
    assert_eq!(late, Err(EnvelopeError::OutsideWindow { skew_ms: -300_001 }));
    opener.forget_up_to(NOW + 10);
    let line = host(2).seal((NOW + 10, "m"), None, PAYLOAD, RANDOM).unwrap();
    assert_eq!(opener.open(0, NOW, &line), Err(EnvelopeError::Replayed));
}

#[test]
fn two_controllers_may_use_the_same_nonce() {
    let mut opener = opener();
    assert!(opener.open(0, NOW, &sealed(None, PAYLOAD)).is_ok());
    let other = host(3).seal((NOW, "n"), None, PAYLOAD, RANDOM).unwrap();
    assert_eq!(opener.open(0, NOW, &other).map(|opened| opened.kid.to_string()), Ok("ops-3".into()));
}

#[test]
fn another_guest_opens_nothing_and_neither_does_a_line_under_another_s_name() {
    let mut other = Opener::new(pair(4), controllers());
    assert_eq!(other.open(0, NOW, &sealed(None, PAYLOAD)), Err(EnvelopeError::NotOpened));
    let false_name = HostEnd::new("ops-3", pair(2), guest().public().clone());
    let line = false_name.seal((NOW, "n"), None, PAYLOAD, RANDOM).unwrap();
    assert_eq!(opener().open(0, NOW, &line), Err(EnvelopeError::NotOpened));
    let unknown = HostEnd::new("ops-9", pair(9), guest().public().clone());
    let line = unknown.seal((NOW, "n"), None, PAYLOAD, RANDOM).unwrap();
    assert_eq!(opener().open(0, NOW, &line), Err(EnvelopeError::UnknownKey("\"ops-9\"".into())));
}

#[test]
fn a_key_that_was_removed_opens_nothing_and_one_that_was_added_does() {
    let mut opener = opener();
    assert!(opener.open(0, NOW, &sealed(None, PAYLOAD)).is_ok());
    let only_new = format!("ops-3 {}\n", pair(3).public());
    opener.set_controllers(Arc::new(Controllers::parse(&only_new).unwrap()));
    let old = host(2).seal((NOW, "m"), None, PAYLOAD, RANDOM).unwrap();
    assert!(matches!(opener.open(0, NOW, &old), Err(EnvelopeError::UnknownKey(_))));
    let new = host(3).seal((NOW, "m"), None, PAYLOAD, RANDOM).unwrap();
    assert!(opener.open(0, NOW, &new).is_ok());
    assert_eq!(opener.open(0, NOW, &new), Err(EnvelopeError::Replayed), "what was taken stays taken");
}

#[test]
fn no_byte_of_a_line_can_be_changed_without_being_noticed() {
    let (line, answer) = (sealed(Some("c-1"), PAYLOAD), answer(Some("c-1"), "{\"type\":\"hello\"}"));
    let opened = opener().open(0, NOW, &line).unwrap();
    let told = host(2).open(&answer).unwrap().unwrap();
    let cut = answer.find(",\"timestamp\"").unwrap();
    for (at, _) in line.trim_end().char_indices() {
        for bit in [1, 4, 32] {
            let changed = changed(&line, at, bit);
            // White space and the like aside, what is taken is what was sealed.
            if let Ok(found) = opener().open(0, NOW, &changed) {
                assert_eq!(found, opened, "{changed}");
            }
        }
    }
    for at in 0..cut {
        if let Some(Ok(found)) = host(2).open(&changed(&answer, at, 1)) {
            assert_eq!(found, told);
        }
    }
}

fn changed(line: &str, at: usize, bit: u8) -> String {
    let mut bytes = line.as_bytes().to_vec();
    bytes[at] ^= bit;
    String::from_utf8(bytes).unwrap_or_default()
}

#[test]
fn each_field_in_the_open_is_covered() {
    let mut line: Value = serde_json::from_str(&sealed(Some("c-1"), PAYLOAD)).unwrap();
    for (field, value) in [("id", json!("c-2")), ("id", Value::Null), ("kid", json!("ops-3"))] {
        let before = std::mem::replace(&mut line[field], value);
        assert_eq!(opener().open(0, NOW, &line.to_string()), Err(EnvelopeError::NotOpened), "{line}");
        line[field] = before;
    }
    for (field, value) in
        [("v", json!(2)), ("id", json!("")), ("kid", Value::Null), ("enc", json!("*")), ("ct", json!(3))]
    {
        let before = std::mem::replace(&mut line[field], value);
        let refused = opener().open(0, NOW, &line.to_string());
        assert!(matches!(refused, Err(EnvelopeError::Malformed(_))), "{line}: {refused:?}");
        line[field] = before;
    }
    line["ct"] = json!("");
    assert_eq!(opener().open(0, NOW, &line.to_string()), Err(EnvelopeError::NotOpened));
}

#[test]
fn what_comes_back_cannot_be_opened_by_the_one_who_sealed_it() {
    let mut line: Value = serde_json::from_str(&sealed(None, PAYLOAD)).unwrap();
    let kid = line.as_object_mut().unwrap().remove("kid").unwrap();
    line["to"] = kid;
    assert_eq!(host(2).open(&line.to_string()), Some(Err(AnswerError::NotOpened)));
    assert!(is_of_guest(answer(None, "{}").as_bytes()) && !is_of_guest(sealed(None, "{}").as_bytes()));
}

#[test]
fn what_is_refused_shows_nothing_of_what_was_sealed() {
    let inner = |text: &str| {
        let mut plain = text.as_bytes().to_vec();
        pad(&mut plain);
        let (beside, guest) = (beside("ops-2", None), guest());
        let sealed = suite::seal(&pair(2), guest.public(), context(TO_GUEST, &beside), &plain, RANDOM);
        let (enc, ct) = texts(sealed.unwrap());
        let kid = Some("ops-2".to_owned());
        serde_json::to_string(&Line { kind: TYPE.into(), v: 1, kid, enc, ct, ..Line::default() }).unwrap()
    };
    for text in ["not JSON: a secret", r#"{"ts":"a secret"}"#, r#"{"ts":1,"nonce":"","payload":"a secret"}"#]
    {
        let refused = opener().open(0, NOW, &inner(text)).expect_err(text);
        let rejection = refused.into_rejection(inner(text).as_bytes());
        assert_eq!(rejection.code, ErrorCode::SignatureInvalid);
        assert!(!rejection.error.contains("secret"), "{}", rejection.error);
    }
}

#[test]
fn a_line_within_the_room_becomes_one_within_the_bound() {
    for max in [64 << 10, 100_001, 4 << 20] {
        let line = format!("\"{}\"", "x".repeat(inner_room(max) - 2));
        let id = "\u{1f600}".repeat(256);
        let sealed = answer(Some(&id), &line);
        assert!(sealed.len() - 1 <= max, "{} > {max}", sealed.len());
        assert!(sealed.is_ascii());
    }
}

proptest! {
    #[test]
    fn whatever_is_sealed_is_opened_as_it_was(payload in ".*", id in proptest::option::of("[a-z0-9-]{1,40}"), random: Random) {
        let line = host(2).seal((NOW, "n"), id.as_deref(), &payload, random).unwrap();
        prop_assert!(!line.trim_end().contains('\n'));
        let opened = opener().open(0, NOW, &line).unwrap();
        prop_assert_eq!((opened.payload, opened.id), (payload, id));
    }

    #[test]
    fn no_line_whatever_ends_the_opener(line in ".*", fields in "[{}\":,a-z0-9]{0,80}") {
        for text in [line, format!("{{\"type\":\"sealed\",\"v\":1,\"kid\":\"ops-2\",{fields}")] {
            let _refused = opener().open(0, NOW, &text);
            let _refused = host(2).open(&text);
        }
    }

    #[test]
    fn a_change_of_the_sealed_part_is_always_noticed(at in 0usize..800, bit in 0u8..8) {
        let mut line: Value = serde_json::from_str(&sealed(None, PAYLOAD)).unwrap();
        let mut ct = STANDARD.decode(line["ct"].as_str().unwrap()).unwrap();
        let at = at % ct.len();
        ct[at] ^= 1 << bit;
        line["ct"] = json!(STANDARD.encode(ct));
        prop_assert_eq!(opener().open(0, NOW, &line.to_string()), Err(EnvelopeError::NotOpened));
    }
}
