//! What the reading of the host's lines promises.

use super::guest_line::GuestLineError;
use super::*;
use crate::ErrorCode;
use crate::guest::GuestMessage;
use crate::host::{SafeCommand, UnsafeCommand};
use serde_json::{Value, json};

fn ok(line: &str) -> HostMessage {
    parse_host_line(line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn safe(line: &str) -> SafeCommand {
    match ok(line) {
        HostMessage::SafeCommand(command) => command,
        other => panic!("{other:?}"),
    }
}

/// The code and text of the rejection, and the id it is answered with.
fn refused(line: &str) -> (ErrorCode, String, Option<String>) {
    let rejection = parse_host_line(line).expect_err(line);
    (rejection.code, rejection.error, rejection.id)
}

#[test]
fn every_message_of_the_contract_is_read() {
    assert_eq!(ok(r#"{"type":"Metrics"}"#), HostMessage::Metrics { id: None });
    assert_eq!(ok(r#"{"type":"Metrics","id":"m"}"#), HostMessage::Metrics { id: Some("m".into()) });
    assert_eq!(ok(r#"{"type":"Hello","id":null}"#), HostMessage::Hello { id: None, accept: vec![] });
    let answer = HostMessage::KeepAliveResponse { sequence_number: 7 };
    assert_eq!(ok(r#"{"type":"KeepAliveResponse","sequence_number":7,"timestamp":"x"}"#), answer);
    assert_eq!(ok(r#"{"type":"keep_alive_response","sequence_number":7.0,"timestamp":1}"#), answer);
    let ping = ok(r#"{"type":"keep_alive_request","sequence_number":9007199254740991}"#);
    assert_eq!(ping, HostMessage::KeepAliveRequest { sequence_number: 9_007_199_254_740_991 });
}

#[test]
fn parameters_are_taken_from_three_places_in_the_order_of_the_contract() {
    let command = safe(
        r#"{"type":"SafeCommand","id":"c","command_type":{"action":"A","one":1,"params":{"one":2,"two":2}},
            "params":{"one":3,"two":3,"three":3},"timeout":60}"#,
    );
    assert_eq!(Value::Object(command.params), json!({"one": 1, "two": 2, "three": 3}));
    assert_eq!((command.action.as_str(), command.timeout), ("A", Some(60)));
}

#[test]
fn a_null_parameter_is_absent_and_hides_nothing() {
    let command = safe(
        r#"{"type":"SafeCommand","id":"c","command_type":{"action":"A","x":null,"params":null},"params":{"x":1}}"#,
    );
    assert_eq!(Value::Object(command.params), json!({"x": 1}));
    let command = safe(r#"{"type":"SafeCommand","id":"c","command_type":{"action":"A"},"params":null}"#);
    assert!(command.params.is_empty());
}

#[test]
fn a_timeout_of_nothing_or_zero_means_the_default_and_a_huge_one_stays_a_number() {
    let timeout = |value: &str| {
        let line =
            format!(r#"{{"type":"SafeCommand","id":"c","command_type":{{"action":"A"}},"timeout":{value}}}"#);
        parse_host_line(&line).map(|message| match message {
            HostMessage::SafeCommand(command) => command.timeout,
            other => panic!("{other:?}"),
        })
    };
    for default in ["null", "0", "0.0"] {
        assert_eq!(timeout(default).unwrap(), None);
    }
    assert_eq!(timeout("30.0").unwrap(), Some(30));
    assert_eq!(timeout("1e300").unwrap(), Some(u64::MAX));
    for wrong in ["-1", "1.5", "\"60\"", "[60]", "true"] {
        let rejection = timeout(wrong).unwrap_err();
        assert_eq!(rejection.code, InvalidMessage);
        assert!(
            rejection.error.contains("`timeout` must be a whole number of seconds"),
            "{}",
            rejection.error
        );
        assert_eq!(rejection.id.as_deref(), Some("c"));
    }
}

#[test]
fn an_unsafe_command_is_read_whole() {
    let command = ok(
        r#"{"type":"UnsafeCommand","id":"u","raw_command":"id -u","shell":"BASH","timeout":5,"working_dir":"/tmp",
            "env_vars":{"A":"1","B":""},"run_as":"nobody","progress":true}"#,
    );
    let expected = UnsafeCommand {
        id: "u".into(),
        raw_command: "id -u".into(),
        shell: Some("bash".into()),
        timeout: Some(5),
        working_dir: Some("/tmp".into()),
        env_vars: vec![("A".into(), "1".into()), ("B".into(), String::new())],
        run_as: Some("nobody".into()),
        progress: true,
    };
    assert_eq!(command, HostMessage::UnsafeCommand(expected));
}

#[test]
fn wrong_fields_of_an_unsafe_command_are_named() {
    let cases = [
        (r#""raw_command":5"#, InvalidMessage, "`raw_command` must be a string, not the number 5"),
        (r#""shell":"bash""#, InvalidMessage, "`raw_command` is missing"),
        (r#""raw_command":" ""#, ErrorCode::InvalidParameter, "`raw_command` must not be empty"),
        (r#""raw_command":"a\u0000b""#, ErrorCode::InvalidParameter, "`raw_command` must not contain U+0000"),
        (
            r#""raw_command":"x","shell":"zsh""#,
            ErrorCode::InvalidParameter,
            "one of bash, sh, cmd, powershell",
        ),
        (r#""raw_command":"x","env_vars":[]"#, InvalidMessage, "`env_vars` must be an object of strings"),
        (r#""raw_command":"x","env_vars":{"A":1}"#, ErrorCode::InvalidParameter, "\"A\" must be a string"),
        (r#""raw_command":"x","env_vars":{"A=":""}"#, ErrorCode::InvalidParameter, "contain = or"),
    ];
    for (fields, code, text) in cases {
        let (got, error, id) = refused(&format!(r#"{{"type":"UnsafeCommand","id":"u",{fields}}}"#));
        assert!(got == code && error.contains(text), "{fields}: {got} {error}");
        assert_eq!(id.as_deref(), Some("u"));
    }
}

#[test]
fn of_what_may_be_a_secret_an_error_tells_only_the_kind() {
    let cases = [
        (r#""env_vars":{"DB_PIN":12345678}"#, "\"DB_PIN\" must be a string, not a number"),
        (r#""env_vars":{"DB_PIN":[12345678]}"#, "\"DB_PIN\" must be a string, not an array"),
        (r#""env_vars":{"K":"hunter2\u0000"}"#, "\"K\" must not contain U+0000"),
        (r#""env_vars":"DB_PASSWORD=hunter2""#, "`env_vars` must be an object of strings, not a string"),
        (r#""env_vars":12345678"#, "`env_vars` must be an object of strings, not a number"),
        (r#""env_vars":{"K=hunter2":""}"#, "contain = or U+0000: \"K\""),
        (r#""env_vars":{"K\u0000hunter2":""}"#, "contain = or U+0000: \"K\""),
        (r#""env_vars":{"K=hunter2":"","K=hunter2":""}"#, "duplicate key \"K\""),
        (r#""raw_command":"hunter2\u0000""#, "`raw_command` must not contain U+0000"),
        (r#""raw_command":["hunter2"]"#, "`raw_command` must be a string, not an array"),
    ];
    for (fields, text) in cases {
        let raw = if fields.contains("raw_command") { "" } else { r#""raw_command":"x","# };
        let (_, error, _) = refused(&format!(r#"{{"type":"UnsafeCommand","id":"u",{raw}{fields}}}"#));
        assert!(error.contains(text), "{fields}: {error}");
        assert!(!error.contains("hunter2") && !error.contains("12345678"), "{fields}: {error}");
    }
    let line = r#"{"type":"SafeCommand","id":"x","command_type":{"action":"A"},"params":"password=hunter2"}"#;
    assert!(refused(line).1.contains("must be null or an object of parameters, not a string"));
}

#[test]
fn a_wrong_field_is_named_with_what_it_must_be() {
    let cases = [
        (r#"{"id":"x"}"#, "`type` is missing"),
        (r#"{"type":5}"#, "`type` must be a string"),
        (r#"{"type":"Metrics","id":5}"#, "`id` must be a string, not the number 5"),
        (r#"{"type":"Metrics","id":""}"#, "`id` must not be empty"),
        (r#"{"type":"Metrics","id":"a\nb"}"#, "`id` must not contain control characters"),
        (r#"{"type":"SafeCommand","command_type":{"action":"A"}}"#, "`id` is missing"),
        (r#"{"type":"SafeCommand","id":"x"}"#, "`command_type` is missing"),
        (r#"{"type":"SafeCommand","id":"x","command_type":"A"}"#, "`command_type` must be an object"),
        (r#"{"type":"SafeCommand","id":"x","command_type":{}}"#, "`command_type.action` is missing"),
        (
            r#"{"type":"SafeCommand","id":"x","command_type":{"action":1}}"#,
            "`command_type.action` must be a string",
        ),
        (
            r#"{"type":"SafeCommand","id":"x","command_type":{"action":"A","params":[]}}"#,
            "`command_type.params` must be null or an object",
        ),
        (
            r#"{"type":"SafeCommand","id":"x","command_type":{"action":"A"},"params":7}"#,
            "`params` must be null",
        ),
        (r#"{"type":"KeepAliveResponse"}"#, "`sequence_number` must be an integer"),
        (r#"{"type":"KeepAliveResponse","sequence_number":-1}"#, "not the number -1"),
        (r#"{"type":"KeepAliveResponse","sequence_number":9007199254740992}"#, "from 0 to 9007199254740991"),
        ("[]", "expected one JSON object"),
        ("5", "expected one JSON object"),
    ];
    for (line, text) in cases {
        let (code, error, _) = refused(line);
        assert_eq!(code, InvalidMessage, "{line}: {error}");
        assert!(error.contains(text), "{line}: {error}");
    }
}

#[test]
fn an_id_of_256_characters_is_the_longest() {
    let line = |n: usize| format!(r#"{{"type":"Metrics","id":"{}"}}"#, "\u{e9}".repeat(n));
    ok(&line(256));
    let (code, error, id) = refused(&line(257));
    assert_eq!((code, id), (InvalidMessage, None));
    assert!(error.contains("at most 256 characters"), "{error}");
}

#[test]
fn an_unknown_type_is_answered_and_named() {
    let (code, error, id) = refused(r#"{"type":"Reboot","id":"r"}"#);
    assert_eq!((code, id.as_deref()), (ErrorCode::UnknownType, Some("r")));
    assert!(error.contains("\"Reboot\"") && error.contains("SafeCommand"), "{error}");
    let (code, ..) = refused(r#"{"type":"signed","v":1}"#);
    assert_eq!(code, ErrorCode::SignatureInvalid);
}

#[test]
fn broken_json_with_an_id_is_answered_by_a_response_of_that_id() {
    let rejection =
        parse_host_line(r#"{"type":"SafeCommand","id":"b-1","command_type":{"action":}}"#).unwrap_err();
    assert_eq!(rejection.code, ErrorCode::InvalidJson);
    assert!(rejection.error.contains("at byte"), "{}", rejection.error);
    let GuestMessage::Response(response) = rejection.into_message() else { panic!("no response") };
    assert_eq!((response.id.as_str(), response.success), ("b-1", false));
    assert_eq!(response.error_code, Some(ErrorCode::InvalidJson));
    assert!(response.data.is_object());
}

#[test]
fn broken_json_without_an_id_is_answered_by_an_error_that_shows_its_start() {
    let rejection = parse_host_line("hello, is anybody there?").unwrap_err();
    let GuestMessage::Error(error) = rejection.into_message() else { panic!("no error") };
    assert_eq!(error.error_code, ErrorCode::InvalidJson);
    assert_eq!(error.details.unwrap()["line_start"], "hello, is anybody there?");
}

#[test]
fn a_line_that_is_not_utf8_is_answered_with_its_id() {
    let line = b"{\"type\":\"SafeCommand\",\"id\":\"u8\",\"x\":\"\xff\"}".to_vec();
    let item = LineItem::InvalidUtf8 { valid_up_to: 36, line };
    let rejection = parse_host_item(&item, 100).unwrap_err();
    assert_eq!((rejection.code, rejection.id.as_deref()), (ErrorCode::InvalidJson, Some("u8")));
}

#[test]
fn an_oversized_line_is_answered_by_an_error_that_names_the_bound() {
    let rejection = parse_host_item(&LineItem::TooLong { bytes: 200 }, 100).unwrap_err();
    assert_eq!(rejection.code, ErrorCode::MessageTooLarge);
    assert!(rejection.error.contains("max_line_bytes (100)"), "{}", rejection.error);
    assert!(matches!(rejection.into_message(), GuestMessage::Error(_)));
}

#[test]
fn a_field_that_stands_twice_is_refused_wherever_it_is_read() {
    for line in [
        r#"{"type":"Metrics","type":"Hello"}"#,
        r#"{"type":"Metrics","id":"a","id":"b"}"#,
        r#"{"type":"SafeCommand","id":"a","command_type":{"action":"A","action":"B"}}"#,
        r#"{"type":"SafeCommand","id":"a","command_type":{"action":"A"},"params":{"x":1,"x":2}}"#,
    ] {
        let (code, error, _) = refused(line);
        assert!(code == InvalidMessage && error.contains("duplicate key"), "{line}: {error}");
    }
    ok(r#"{"type":"Metrics","unknown":1,"unknown":2}"#);
}

#[test]
fn hostile_sizes_cost_neither_stack_nor_heap() {
    let deep = format!(
        r#"{{"type":"SafeCommand","id":"d","params":{}1{}}}"#,
        "[".repeat(300_000),
        "]".repeat(300_000)
    );
    let (code, _, id) = refused(&deep);
    assert_eq!((code, id.as_deref()), (ErrorCode::InvalidJson, Some("d")));
    ok(&format!(r#"{{"type":"Metrics","unknown":{}{}}}"#, "[".repeat(300_000), "]".repeat(300_000)));
    let wide = format!(r#"{{"type":"SafeCommand","id":"w","params":{{"x":[{}0]}}}}"#, "[],".repeat(300_000));
    let (code, error, id) = refused(&wide);
    assert_eq!((code, id.as_deref()), (InvalidMessage, Some("w")));
    assert!(error.contains("more than 10000 values"), "{error}");
}

#[test]
fn errors_never_carry_the_host_s_text_raw() {
    let (_, error, _) = refused("{\"type\":\"\\u001b[31m\"}");
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn the_guest_s_unknown_messages_are_values_and_unknown_fields_are_ignored() {
    let line = r#"{"type":"keep_alive","sequence_number":1,"timestamp":"t","extra":{}}"#;
    assert!(matches!(parse_guest_line(line), Ok(GuestLine::Known(GuestMessage::KeepAlive(_)))));
    let Ok(GuestLine::Unknown { kind, value }) = parse_guest_line(r#"{"type":"later","x":1}"#) else {
        panic!()
    };
    assert_eq!((kind.as_str(), &value["x"]), ("later", &json!(1)));
    assert!(matches!(parse_guest_line("{"), Err(GuestLineError::NotJson(_))));
    assert!(matches!(parse_guest_line("{}"), Err(GuestLineError::NoType)));
    assert!(matches!(parse_guest_line(r#"["keep_alive",1]"#), Err(GuestLineError::NoType)));
    assert!(matches!(parse_guest_line(r#"{"type":["response"]}"#), Err(GuestLineError::NoType)));
    assert!(matches!(parse_guest_line(r#"{"type":"response"}"#), Err(GuestLineError::BadMessage { .. })));
}

#[test]
fn a_guest_s_line_of_many_small_values_is_not_read_and_the_longest_honest_one_is() {
    for item in ["[]", "{}", "[[]]", r#"{"":0}"#, r#"{"a":{}}"#] {
        let many = vec![item; (4 << 20) / (item.len() + 1)].join(",");
        let line = format!(r#"{{"type":"later","list":[{many}]}}"#);
        assert!(matches!(parse_guest_line(&line), Err(GuestLineError::TooManyValues)), "{item}");
    }
    let process = r#"{"pid":1,"name":"a","cpu_percent":0.0,"memory_kb":1,"status":"sleeping","threads":1}"#;
    let package = r#"{"name":"a","version":"1","architecture":"amd64","description":"x","source":"apt"}"#;
    for item in [process, package, "\"0123456789ab\""] {
        let many = vec![item; (4 << 20) / (item.len() + 1)].join(",");
        assert!(parse_guest_line(&format!(r#"{{"type":"later","list":[{many}]}}"#)).is_ok(), "{item}");
    }
}

#[test]
fn a_host_s_own_text_comes_back_short_wherever_it_stood() {
    let long = "\u{1f600}".repeat(1 << 18);
    for line in [
        format!(r#"{{"type":"{long}","id":"i"}}"#),
        format!(r#"{{"type":["{long}"],"id":"i"}}"#),
        format!(r#"{{"{long}":1,"id":"i"}}"#),
        format!(r#""{long}""#),
        format!(r#"{{"id":"i","x":{long}"#),
        format!(r#"{{"type":"SafeCommand","id":"i","command_type":"{long}"}}"#),
        format!(r#"{{"type":"SafeCommand","id":"i","command_type":{{"action":"A","{long}":1,"{long}":2}}}}"#),
        format!(r#"{{"type":"SafeCommand","id":"{long}","command_type":{{"action":"{long}"}}}}"#),
        format!(r#"{{"type":"SafeCommand","id":"i","command_type":{{"action":"A"}},"timeout":"{long}"}}"#),
        format!(r#"{{"type":"UnsafeCommand","id":"i","raw_command":"x","shell":"{long}"}}"#),
        format!(r#"{{"type":"UnsafeCommand","id":"i","raw_command":"x","env_vars":{{"{long}=":""}}}}"#),
    ] {
        let answer = parse_host_line(&line).expect_err("refused").into_message();
        let bytes = crate::Body::encode(&answer).line_bytes();
        assert!(bytes < 8192, "{bytes} bytes answer {}", line.chars().take(80).collect::<String>());
    }
}

#[test]
fn a_long_name_of_an_action_is_cut_and_names_no_action_by_it() {
    let action = format!("ServiceList{}", "x".repeat(1 << 20));
    let command =
        safe(&format!(r#"{{"type":"SafeCommand","id":"c","command_type":{{"action":"{action}"}}}}"#));
    assert_eq!(command.action.chars().count(), crate::text::MAX_ECHO_CHARS);
}

#[test]
fn lines_that_only_guests_send_are_known_whole_and_torn() {
    for kind in GUEST_TYPES {
        for line in [
            format!(r#"{{"type":"{kind}","id":"i","sequence_number":1}}"#),
            format!(r#"{{"type":"{kind}","id":"i","data":{{"#),
            format!(r#"{{"type":"{kind}","id":"i","timeout":1,"timeout":2}}"#),
        ] {
            assert!(parse_host_line(&line).expect_err(&line).from_guest, "{line}");
        }
    }
    for line in [r#"{"type":"Response","id":"i"}"#, r#"{"type":"signed"}"#, r#"{"id":"i"}"#, "noise"] {
        assert!(!parse_host_line(line).expect_err(line).from_guest, "{line}");
    }
}

#[test]
fn a_signed_line_that_nothing_can_check_is_answered_by_its_payload_s_id() {
    let line = crate::envelope::Signer::new("s").sign(1, "n", r#"{"type":"Metrics","id":"m"}"#);
    assert_eq!(refused(&line).0, ErrorCode::SignatureInvalid);
    assert_eq!(refused(&line).2.as_deref(), Some("m"));
}

#[test]
fn of_two_ids_none_is_answered_however_the_second_is_spelt() {
    for line in [
        r#"{"type":"Metrics","id":"a","id":"b"}"#,
        r#"{"type":"Metrics","id":"a","\u0069d":"b"}"#,
        r#"{"type":"Metrics","id":"a","id":7}"#,
        r#"{"type":"Metrics","id":"a","\u0069d":null}"#,
    ] {
        assert_eq!(refused(line).2, None, "{line}");
    }
}
