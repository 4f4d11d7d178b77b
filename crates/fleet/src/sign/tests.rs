//! Who can order what, and who cannot.

use super::signed::Kind;
use super::*;
use crate::at_ms;
use crate::message::{Control, Order, What, text};
use proptest::prelude::*;
use serde_json::json;

fn key(seed: u8) -> OperatorKey {
    OperatorKey::generate([seed; 32])
}

fn order() -> Order {
    let at = at_ms(0).wall_ms();
    serde_json::from_value(json!({"id": "j", "at_ms": at, "not_after_ms": at + 60_000, "vms": "all",
        "message": {"type": "SafeCommand", "command_type": {"action": "ServiceList"}},
        "max_concurrency": 10, "operator": "alice"}))
    .unwrap()
}

fn control() -> Control {
    let at_ms = at_ms(0).wall_ms();
    Control { job: "j".into(), at_ms, number: 1, what: What::Cancel, operator: "alice".into() }
}

fn keys() -> Keys {
    let (one, two, bob) = (key(1).public().to_text(), key(2).public().to_text(), key(3).public().to_text());
    Keys::new([("alice", one.as_str()), ("alice", &two), ("bob", &bob)]).unwrap()
}

#[test]
fn an_order_counts_for_whoever_has_the_key_and_a_new_key_beside_the_old_one() {
    for seed in [1, 2] {
        let opened = keys().open_order(&Signed::order(&order(), &key(seed)), at_ms(0)).unwrap();
        assert_eq!((opened.order, opened.operator.as_str()), (order(), "alice"));
    }
    assert_eq!(keys().open_control(&Signed::control(&control(), &key(1)), at_ms(0)), Ok(control()));
}

#[test]
fn others_signatures_and_changed_texts_do_not_count() {
    let code = |signed: &Signed| keys().open_order(signed, at_ms(0)).unwrap_err().code();
    let signed = Signed::order(&order(), &key(1));
    assert_eq!(code(&Signed::order(&order(), &key(9))), "UNKNOWN_KEY");
    assert_eq!(code(&Signed::order(&order(), &key(3))), "OTHER_OPERATOR");
    assert_eq!(code(&Signed { key: key(2).public().kid(), ..signed.clone() }), "BAD_SIGNATURE");
    assert_eq!(code(&Signed { signature: "AA==".into(), ..signed.clone() }), "BAD_SIGNATURE");
    let other = signed.body.replace("\"all\"", "\"web\"");
    assert_eq!(code(&Signed { body: other, ..signed }), "BAD_SIGNATURE");
}

#[test]
fn a_control_is_never_taken_for_an_order() {
    let signed = Signed::new(Kind::Control, text(&order()), &key(1));
    assert_eq!(keys().open_order(&signed, at_ms(0)), Err(Refusal::BadSignature));
    let signed = Signed::new(Kind::Order, text(&control()), &key(1));
    assert_eq!(keys().open_control(&signed, at_ms(0)), Err(Refusal::BadSignature));
}

#[test]
fn an_order_counts_until_its_time_is_over_and_is_read_after_it() {
    let signed = Signed::order(&order(), &key(1));
    assert!(keys().open_order(&signed, at_ms(59_999)).is_ok());
    assert_eq!(keys().open_order(&signed, at_ms(60_000)), Err(Refusal::Expired));
    assert!(keys().open_past_order(&signed, at_ms(60_000)).is_ok());
}

#[test]
fn what_is_signed_and_wrong_is_refused() {
    let with = |body: String| keys().open_order(&Signed::new(Kind::Order, body, &key(1)), at_ms(0));
    let extra = text(&order()).replacen('{', r#"{"more":1,"#, 1);
    assert!(matches!(with(extra), Err(Refusal::Wrong(wrong)) if wrong.error.contains("more")));
    assert_eq!(with("x".repeat(crate::MAX_BODY_BYTES + 1)).unwrap_err().code(), "BAD_ORDER");
    let wrong = Order { vms: String::new(), ..order() };
    assert!(matches!(with(text(&wrong)), Err(Refusal::Wrong(wrong)) if wrong.field == "vms"));
}

#[test]
fn keys_are_read_and_written_and_one_is_not_taken_for_the_other() {
    let text = key(7).to_text();
    assert!(text.starts_with("infini-operator-private-key ") && text.ends_with('\n'));
    assert_eq!(OperatorKey::parse(&text).unwrap().to_text(), text);
    let public = key(7).public();
    assert_eq!(PublicKey::parse(&format!("{}\n", public.to_text())), Ok(public));
    assert_eq!(public.kid().len(), 16);
    assert_eq!(PublicKey::parse(&text), Err(WrongKey::IsPrivate));
    assert!(OperatorKey::parse(&public.to_text()).is_err());
    assert!(!format!("{:?}", key(7)).contains(text.split(' ').nth(1).unwrap().trim()));
    // The neutral element: with it, a signature over anything can be made.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let neutral = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, neutral);
    assert_eq!(PublicKey::parse(&neutral), Err(WrongKey::Weak));
}

#[test]
fn a_key_has_one_owner() {
    let one = key(1).public().to_text();
    assert!(Keys::new([("alice", one.as_str()), ("bob", &one)]).unwrap_err().contains("alice"));
    assert!(Keys::new([("alice", "nonsense")]).unwrap_err().contains("base64"));
}

proptest! {
    #[test]
    fn nothing_that_came_from_elsewhere_is_taken(body in ".{0,200}", signature in "[A-Za-z0-9+/=]{0,100}") {
        let signed = Signed { key: key(1).public().kid(), body, signature };
        prop_assert!(keys().open_order(&signed, at_ms(0)).is_err());
    }

    #[test]
    fn texts_of_keys_never_panic(text in ".{0,80}") {
        let _ = (OperatorKey::parse(&text), PublicKey::parse(&text));
    }
}
