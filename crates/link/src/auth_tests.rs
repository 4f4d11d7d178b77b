//! What the way in promises.

use super::*;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::envelope::Signer;
use std::time::Duration;
use std::time::UNIX_EPOCH;

const SECRET: &str = "sixteen letters!";
const MS: u64 = 1_700_000_000_000;

fn at(seconds: u64) -> Now {
    let mono = Duration::from_secs(seconds);
    Now { mono, wall: UNIX_EPOCH + Duration::from_millis(MS) + mono }
}

fn line(text: &str) -> LineItem {
    LineItem::Line(text.trim_end().to_owned())
}

fn signed(nonce: &str, payload: &str) -> LineItem {
    line(&Signer::new(SECRET).sign(MS, nonce, payload))
}

#[test]
fn a_signed_line_says_what_its_payload_says() {
    let mut auth = Authenticator::with_secret(SECRET);
    let admitted = auth.admit(at(0), &signed("a", r#"{"type":"Metrics","id":"m"}"#), 1000);
    assert_eq!(admitted.unwrap().message, HostMessage::Metrics { id: Some("m".to_owned()) });
}

#[test]
fn a_signed_line_is_heard_once() {
    let mut auth = Authenticator::with_secret(SECRET);
    let item = signed("a", r#"{"type":"Hello"}"#);
    assert!(auth.admit(at(0), &item, 1000).is_ok());
    assert!(matches!(auth.admit(at(1), &item, 1000), Err(Refusal::Unsigned { .. })));
}

/// How many of a flood of `item`, one a second, are answered and how many logged.
fn flood(auth: &mut Authenticator, item: &LineItem, seconds: std::ops::Range<u64>) -> (usize, usize) {
    let mut found = (0, 0);
    for second in seconds {
        let refused = auth.admit(at(second), item, 1000);
        let Err(Refusal::Unsigned { rejection, answer, log }) = refused else { panic!("passed") };
        assert_eq!(rejection.code, ErrorCode::SignatureInvalid);
        found = (found.0 + usize::from(answer), found.1 + usize::from(log));
    }
    found
}

#[test]
fn refusals_are_answered_at_a_bounded_rate_and_logged_once_a_minute_each_cause_for_itself() {
    let mut auth = Authenticator::with_secret(SECRET);
    let other = line(&Signer::new("another secret").sign(MS, "n", "{}"));
    let (plain, others) = (flood(&mut auth, &line("{}"), 0..600), flood(&mut auth, &other, 600..610));
    assert!((300..=332).contains(&plain.0) && plain.1 == 10, "{plain:?}");
    assert_eq!(others, (10, 1));
}

#[test]
fn a_refusal_carries_the_id_that_can_be_read() {
    let mut auth = Authenticator::with_secret(SECRET);
    let mut id = |item: LineItem| match auth.admit(at(0), &item, 1000) {
        Err(Refusal::Unsigned { rejection, .. }) => rejection.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(line(r#"{"type":"Metrics","id":"plain"}"#)).as_deref(), Some("plain"));
    let payload = r#"{"type":"Metrics","id":"within"}"#;
    assert_eq!(id(line(&Signer::new("another secret").sign(MS, "n", payload))).as_deref(), Some("within"));
    let garbled = LineItem::InvalidUtf8 { line: b"{\"id\":\"g\",\xff".to_vec(), valid_up_to: 10 };
    assert_eq!(id(garbled).as_deref(), Some("g"));
    assert_eq!(id(LineItem::TooLong { bytes: 2000 }), None);
}

fn hello(ts: u64, nonce: &str) -> LineItem {
    line(&Signer::new(SECRET).sign(ts, nonce, r#"{"type":"Hello"}"#))
}

fn passes(auth: &mut Authenticator, now: Now, item: &LineItem) -> bool {
    auth.admit(now, item, 1000).is_ok()
}

/// `at(0)` is the start of an agent whose predecessor took lines until then.
#[test]
fn a_line_that_a_predecessor_may_have_taken_is_not_taken_again() {
    let mut auth = Authenticator::with_secret(SECRET);
    assert!(!passes(&mut auth, at(1), &hello(MS - 1, "a")) && passes(&mut auth, at(1), &hello(MS, "a")));
    let mut auth = Authenticator::with_secret(SECRET);
    auth.set_since(Since::Newest(MS - 5));
    assert!(!passes(&mut auth, at(1), &hello(MS - 5, "a")) && passes(&mut auth, at(1), &hello(MS - 4, "a")));
    let mut auth = Authenticator::with_secret(SECRET);
    auth.set_since(Since::Start { lead: Duration::from_secs(9) });
    assert!(
        !passes(&mut auth, at(1), &hello(MS - 9001, "a")) && passes(&mut auth, at(1), &hello(MS - 9000, "a"))
    );
}

#[test]
fn a_clock_that_was_ahead_at_the_start_shuts_nobody_out_once_it_is_right() {
    let mut auth = Authenticator::with_secret(SECRET);
    let ahead = Now { mono: Duration::ZERO, wall: at(7200).wall };
    assert!(!passes(&mut auth, ahead, &hello(MS, "a")));
    assert!(passes(&mut auth, at(60), &hello(MS + 60_000, "b")));
}

#[test]
fn the_newest_ts_is_told_once_and_before_anything_is_done() {
    let mut auth = Authenticator::with_secret(SECRET);
    let mut told = Vec::new();
    for (ts, nonce) in [(MS + 5, "a"), (MS + 3, "b"), (MS + 9, "c")] {
        assert!(passes(&mut auth, at(1), &hello(ts, nonce)));
        told.extend([auth.newest(), auth.newest()]);
    }
    assert_eq!(told, [Some(MS + 5), None, None, None, Some(MS + 9), None]);
}

#[test]
fn oversized_and_garbled_lines_are_not_signed_either() {
    let mut auth = Authenticator::with_secret(SECRET);
    for item in
        [LineItem::TooLong { bytes: 2000 }, LineItem::InvalidUtf8 { line: vec![0xff], valid_up_to: 0 }]
    {
        assert!(matches!(auth.admit(at(0), &item, 1000), Err(Refusal::Unsigned { .. })));
    }
}

#[test]
fn what_a_true_host_gets_wrong_is_answered_as_ever() {
    let mut auth = Authenticator::with_secret(SECRET);
    let refused = auth.admit(at(0), &signed("a", r#"{"type":"Nonsense"}"#), 1000);
    assert!(matches!(refused, Err(Refusal::Line(rejection, _)) if rejection.code == ErrorCode::UnknownType));
}

#[test]
fn without_a_secret_plain_lines_pass() {
    assert!(Authenticator::default().admit(at(0), &line(r#"{"type":"Hello"}"#), 1000).is_ok());
}
