//! What the signed envelope promises.

use super::*;
use serde_json::{Value, json};

const NOW: u64 = 1_763_880_000_000;
const PAYLOAD: &str = r#"{"type":"Metrics","id":"m-é"}"#;

fn signed(ts: u64, nonce: &str) -> String {
    Signer::new("correct horse").sign(ts, nonce, PAYLOAD)
}

fn verifier() -> Verifier {
    Verifier::new("correct horse")
}

/// The signed line with one field replaced.
fn changed(field: &str, value: &Value) -> String {
    let mut line: Value = serde_json::from_str(&signed(NOW, "n")).unwrap();
    line[field] = value.clone();
    line.to_string()
}

#[test]
fn a_signed_line_gives_its_payload_as_it_stood() {
    assert_eq!(verifier().verify(NOW, &signed(NOW, "n")).unwrap(), PAYLOAD);
}

#[test]
fn the_signature_is_that_of_any_other_hmac_sha256() {
    // printf '1\n1000\nn\n{}' | openssl dgst -sha256 -hmac secret
    let line = Signer::new("secret").sign(1000, "n", "{}");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["sig"], "ce0b3525c77ead5b3f3409e4f2419a8ca58260e735e689f50088ffb2c565007f");
}

#[test]
fn the_signature_is_that_of_the_contract_s_test_vector() {
    let line = Signer::new("cross-lang-test-key").sign(
        1_700_000_000_000,
        "fixed-nonce-123",
        r#"{"type":"Metrics"}"#,
    );
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["sig"], "417f2b895d7dd56461af56b07525ca476532ac795f8b92aab6c78a560686bdf5");
}

#[test]
fn upper_case_hex_is_taken_and_white_space_in_the_envelope_does_not_matter() {
    let line: Value = serde_json::from_str(&signed(NOW, "n")).unwrap();
    let sig = line["sig"].as_str().unwrap().to_uppercase();
    let line = changed("sig", &json!(sig)).replace(",\"", " , \"");
    assert!(verifier().verify(NOW, &line).is_ok());
}

#[test]
fn every_signed_field_is_covered_by_the_signature() {
    for (field, value) in [("ts", json!(NOW + 1)), ("nonce", json!("m")), ("payload", json!("{}"))] {
        assert_eq!(
            verifier().verify(NOW, &changed(field, &value)),
            Err(EnvelopeError::BadSignature),
            "{field}"
        );
    }
    assert_eq!(Verifier::new("other").verify(NOW, &signed(NOW, "n")), Err(EnvelopeError::BadSignature));
}

#[test]
fn a_shortened_or_odd_signature_is_never_taken() {
    let line: Value = serde_json::from_str(&signed(NOW, "n")).unwrap();
    let sig = line["sig"].as_str().unwrap();
    for wrong in ["", "00", &sig[..62], &format!("{sig}00"), &sig.replace(|c: char| c.is_ascii_digit(), "+")]
    {
        assert_eq!(verifier().verify(NOW, &changed("sig", &json!(wrong))), Err(EnvelopeError::BadSignature));
    }
}

#[test]
fn a_plain_line_is_refused_where_a_secret_is_set() {
    for line in [PAYLOAD, "noise", "[]", ""] {
        assert_eq!(verifier().verify(NOW, line), Err(EnvelopeError::NotSigned), "{line}");
    }
}

#[test]
fn wrong_fields_are_named() {
    let cases = [
        ("v", json!(2), "`v` must be 1"),
        ("ts", json!("now"), "invalid type"),
        ("nonce", json!(""), "`nonce` must have 1 to 128"),
        ("nonce", json!("a\nb"), "no control characters"),
        ("nonce", json!("x".repeat(129)), "1 to 128"),
        ("payload", json!({}), "invalid type"),
    ];
    for (field, value, text) in cases {
        let error = verifier().verify(NOW, &changed(field, &value)).unwrap_err().to_string();
        assert!(error.contains(text), "{field}: {error}");
    }
}

#[test]
fn the_window_is_three_hundred_seconds_either_way() {
    for ts in [NOW - WINDOW_MS, NOW + WINDOW_MS] {
        assert!(verifier().verify(NOW, &signed(ts, "n")).is_ok());
    }
    for (ts, skew_ms) in [(NOW - WINDOW_MS - 1, -300_001), (NOW + WINDOW_MS + 1, 300_001)] {
        let refused = verifier().verify(NOW, &signed(ts, "n"));
        assert_eq!(refused, Err(EnvelopeError::OutsideWindow { skew_ms }));
    }
    assert!(verifier().verify(0, &signed(u64::MAX, "n")).is_err());
}

#[test]
fn a_line_outside_the_window_is_told_by_how_much_the_clocks_differ() {
    let day = 86_400_000;
    for (ts, told) in
        [(NOW - day, "86400.000 s behind the guest's"), (NOW + day + 250, "86400.250 s ahead of the")]
    {
        let error = verifier().verify(NOW, &signed(ts, "n")).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_nonce_is_taken_once_whatever_its_time() {
    let mut verifier = verifier();
    assert!(verifier.verify(NOW, &signed(NOW, "n")).is_ok());
    assert_eq!(verifier.verify(NOW, &signed(NOW, "n")), Err(EnvelopeError::Replayed));
    assert_eq!(verifier.verify(NOW + 10, &signed(NOW + 10, "n")), Err(EnvelopeError::Replayed));
    assert!(verifier.verify(NOW, &signed(NOW, "m")).is_ok());
}

#[test]
fn a_badly_signed_line_does_not_use_up_its_nonce() {
    let mut verifier = verifier();
    assert!(verifier.verify(NOW, &changed("payload", &json!("{}"))).is_err());
    assert!(verifier.verify(NOW, &signed(NOW, "n")).is_ok());
}

#[test]
fn a_clock_that_jumps_forward_and_back_opens_no_way_for_a_replay() {
    let mut verifier = verifier();
    let hour = 3_600_000;
    assert!(verifier.verify(NOW, &signed(NOW, "old")).is_ok());
    assert!(verifier.verify(NOW + hour, &signed(NOW + hour, "ahead")).is_ok());
    assert_eq!(verifier.verify(NOW + 1, &signed(NOW, "old")), Err(EnvelopeError::Replayed));
    assert!(verifier.verify(NOW + 2, &signed(NOW + 2, "new")).is_ok());
}

#[test]
fn the_memory_of_nonces_is_bounded_and_still_refuses_what_it_forgot() {
    let mut verifier = verifier();
    for n in 0..MAX_NONCES as u64 + 100 {
        assert!(verifier.verify(NOW + n, &signed(NOW + n, &n.to_string())).is_ok());
    }
    assert!(verifier.freshness.len() <= MAX_NONCES);
    assert_eq!(verifier.verify(NOW, &signed(NOW, "0")), Err(EnvelopeError::Replayed));
}

#[test]
fn integers_of_the_envelope_may_be_written_as_floats_without_a_fraction() {
    let line =
        signed(NOW, "n").replace("\"v\":1,", "\"v\":1.0,").replace(&NOW.to_string(), &format!("{NOW}.0"));
    assert!(line.contains("\"v\":1.0,\"ts\":1763880000000.0,"), "{line}");
    assert_eq!(verifier().verify(NOW, &line).unwrap(), PAYLOAD);
    for wrong in [json!(1.5), json!("1"), json!(null), json!(-1)] {
        assert!(matches!(verifier().verify(NOW, &changed("v", &wrong)), Err(EnvelopeError::Malformed(_))));
    }
}

#[test]
fn what_a_malformed_line_holds_is_not_repeated_at_length() {
    let error = verifier().verify(NOW, &changed("ts", &json!("x".repeat(1 << 20)))).unwrap_err().to_string();
    assert!(error.len() < 400, "{}", error.len());
}

#[test]
fn a_line_of_before_the_start_is_refused_and_told_so() {
    let mut verifier = verifier();
    let early = verifier.verify_since(NOW, NOW + 1, &signed(NOW - 1250, "n")).unwrap_err();
    assert_eq!(early, EnvelopeError::BeforeStart { early_ms: 1250 });
    assert!(early.to_string().contains("1.250 s before the earliest"), "{early}");
    assert!(verifier.verify_since(NOW, NOW + 1, &signed(NOW, "n")).is_ok());
}

#[test]
fn a_successor_that_knows_the_newest_ts_takes_nothing_older_and_everything_newer() {
    let mut first = verifier();
    for (ts, nonce) in [(NOW, "a"), (NOW + 7, "b"), (NOW + 3, "c")] {
        assert!(first.verify(NOW, &signed(ts, nonce)).is_ok());
    }
    assert_eq!(first.newest(), Some(NOW + 7));
    let mut next = verifier().with_newest(first.newest().unwrap());
    for (ts, nonce) in [(NOW, "a"), (NOW + 7, "b"), (NOW + 3, "c")] {
        assert_eq!(next.verify(NOW + 9, &signed(ts, nonce)), Err(EnvelopeError::Replayed));
    }
    assert!(next.verify(NOW + 9, &signed(NOW + 8, "a")).is_ok());
    assert_eq!(next.newest(), Some(NOW + 8));
}

#[test]
fn a_refused_line_is_answered_by_the_id_that_it_claims() {
    let id = |line: &str| EnvelopeError::BadSignature.into_rejection(line.as_bytes()).id;
    assert_eq!(id(&signed(NOW, "n")).as_deref(), Some("m-é"));
    assert_eq!(id(PAYLOAD).as_deref(), Some("m-é"));
    assert_eq!(id("noise"), None);
}

#[test]
fn a_secret_is_never_shown() {
    assert!(!format!("{:?} {:?}", Signer::new("hunter2"), Verifier::new("hunter2")).contains("hunter2"));
}
