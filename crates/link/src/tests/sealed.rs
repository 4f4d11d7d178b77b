//! Sealed lines: what is asked so is answered so, to who asked, and what would change something is heard in no other way.

use super::bench::Bench;
use super::*;
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::guest::{Hello, Output, OutputStream};
use infiniservice_protocol::sealed::{HostEnd, KeyPair};

pub(super) const MS: u64 = 1_700_000_000_000;
const REBOOT: &str = r#"{"type":"SafeCommand","id":"c1","command_type":{"action":"Reboot"}}"#;
const BOTH: Plain = Plain { metrics: true, reads: true };

fn pair(n: u8) -> KeyPair {
    KeyPair::from_bytes([n; 32])
}

fn controllers(kids: &[(&str, u8, &str)]) -> Arc<Controllers> {
    let lines: Vec<_> =
        kids.iter().map(|(kid, n, role)| format!("{kid} {} {role}", pair(*n).public())).collect();
    Arc::new(Controllers::parse(&lines.join("\n")).unwrap())
}

/// A guest with the key 1, and the controllers `ops-2`, `ops-3` and the monitor `mon`.
fn bench_with(plain: Plain, secret: Option<&str>) -> Bench {
    let mut bench = Bench::new();
    let mut n = 100;
    let draw = Box::new(move || {
        n += 1;
        Some([n; 32])
    });
    let known = controllers(&[("ops-2", 2, ""), ("ops-3", 3, ""), ("mon", 4, "monitor")]);
    let seals = SealSettings { own: pair(1), controllers: known, plain, draw };
    let mut link = Link::new(LinkSettings::default(), 1).with_seals(seals);
    if let Some(secret) = secret {
        link = link.with_secret(secret);
    }
    bench.link = link;
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    bench.written();
    bench
}

pub(super) fn bench() -> Bench {
    bench_with(BOTH, None)
}

fn host(kid: &str, n: u8) -> HostEnd {
    HostEnd::new(kid, pair(n), pair(1).public().clone())
}

/// Says it sealed by this controller; the id stands in the open.
pub(super) fn seal(bench: &mut Bench, (kid, n): (&str, u8), payload: &str) {
    let read: Value = serde_json::from_str(payload).unwrap();
    let nonce = format!("{:x}", fastrand::u128(..));
    let line = host(kid, n).seal((MS, &nonce), read["id"].as_str(), payload, [nonce.as_bytes()[0]; 32]);
    bench.say(line.unwrap().trim_end());
}

/// All that was written: each line as it stands, and as this controller reads it, where it can.
pub(super) fn read_by(bench: &mut Bench, who: (&str, u8)) -> Vec<(Value, Option<Value>)> {
    bench.lines().into_iter().map(|line| (line.clone(), open(who, &line))).collect()
}

/// A line as this controller reads it, where it can.
pub(super) fn open((kid, n): (&str, u8), line: &Value) -> Option<Value> {
    let text = host(kid, n).open(&line.to_string()).and_then(Result::ok)?;
    Some(serde_json::from_str(&text).unwrap())
}

pub(super) const OPS2: (&str, u8) = ("ops-2", 2);
pub(super) const OPS3: (&str, u8) = ("ops-3", 3);
const MON: (&str, u8) = ("mon", 4);

fn delivers(bench: &Bench) -> bool {
    bench.asked(|action| matches!(action, Action::Deliver(_)))
}

#[test]
fn what_is_asked_sealed_is_answered_sealed_to_who_asked_and_routed_by_its_id() {
    let mut bench = bench();
    seal(&mut bench, OPS2, REBOOT);
    assert!(bench.asked(|action| matches!(action, Action::NewestSigned(MS))));
    assert!(delivers(&bench));
    bench.send(GuestMessage::Output(Output {
        id: "c1".into(),
        stream: OutputStream::Stdout,
        seq: 1,
        text: "a secret".into(),
        timestamp: None,
    }));
    let output = read_by(&mut bench, OPS2);
    bench.respond("c1");
    let answer = read_by(&mut bench, OPS2);
    for (lines, kind) in [(output, "output"), (answer, "response")] {
        let [(line, Some(inner))] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(
            (&line["type"], &line["id"], &line["to"]),
            (&json!("sealed"), &json!("c1"), &json!("ops-2"))
        );
        assert_eq!((&inner["type"], &inner["id"]), (&json!(kind), &json!("c1")));
        assert!(inner["timestamp"].is_string() && line["timestamp"].is_string());
        assert!(!line.to_string().contains("secret"));
    }
}

#[test]
fn nobody_else_gets_that_answer_by_asking_under_the_same_id() {
    let mut bench = bench();
    let read = r#"{"type":"SafeCommand","id":"c1","command_type":{"action":"ServiceList"}}"#;
    seal(&mut bench, OPS2, read);
    for answered in [false, true] {
        if answered {
            bench.respond("c1");
            bench.written();
        }
        bench.say(read);
        assert!(!delivers(&bench));
        let lines = bench.lines();
        assert_eq!(lines[0]["error_code"], "DUPLICATE_ID", "{lines:?}");
        seal(&mut bench, OPS3, read);
        assert!(!delivers(&bench));
        let lines = read_by(&mut bench, OPS3);
        assert_eq!(lines[0].1.as_ref().unwrap()["error_code"], "DUPLICATE_ID");
    }
    seal(&mut bench, OPS2, read);
    assert!(delivers(&bench), "who asked may ask again");
}

#[test]
fn plain_and_signed_lines_change_nothing_and_tell_nothing_of_what_was_sealed() {
    let secret = "sixteen letters!";
    for signer in [None, Some(Signer::new(secret))] {
        let mut bench = bench_with(BOTH, signer.is_some().then_some(secret));
        let mut number = 0;
        let mut hears = |payload: &str| {
            number += 1;
            let signed = signer.as_ref().map(|signer| signer.sign(MS, &number.to_string(), payload));
            bench.say(signed.as_deref().unwrap_or(payload).trim_end());
            let delivered = delivers(&bench);
            let codes: Vec<_> = bench.lines().iter().map(|line| line["error_code"].clone()).collect();
            assert!(delivered || codes.contains(&json!("SIGNATURE_INVALID")), "{payload} {codes:?}");
            delivered
        };
        let safe = |action: &str, more: &str| {
            format!(r#"{{"type":"SafeCommand","id":"i","command_type":{{"action":"{action}"{more}}}}}"#)
        };
        for told in [
            r#"{"type":"Hello"}"#.to_owned(),
            r#"{"type":"Metrics"}"#.to_owned(),
            safe("ServiceList", ""),
            safe("ServiceControl", r#","service":"ssh.service","operation":"status""#),
            safe("DiskCleanup", r#","dry_run":true"#),
            safe("NoSuchAction", ""),
        ] {
            assert!(hears(&told), "{told}");
        }
        for refused in [
            REBOOT.to_owned(),
            safe("ServiceControl", r#","service":"ssh.service","operation":"stop""#),
            safe("ServiceControl", ""),
            safe("DiskCleanup", ""),
            safe("ScriptStatus", ""),
            safe("PackageChangeStatus", ""),
            r#"{"type":"UnsafeCommand","id":"u","raw_command":"id"}"#.to_owned(),
            r#"{"type":"Cancel","id":"x","target":"c1"}"#.to_owned(),
            format!(r#"{{"type":"Batch","id":"b","commands":[{},{REBOOT}]}}"#, safe("ServiceList", "")),
        ] {
            assert!(!hears(&refused), "{refused}");
        }
    }
}

#[test]
fn where_neither_metrics_nor_reads_are_plain_only_hello_is_heard_and_metrics_go_to_the_monitor() {
    let mut bench = bench_with(Plain { metrics: false, reads: false }, None);
    for refused in [r#"{"type":"Metrics","id":"m"}"#, COMMAND] {
        bench.say(refused);
        assert!(!delivers(&bench), "{refused}");
    }
    bench.say(r#"{"type":"Hello"}"#);
    assert!(delivers(&bench));
    bench.written();
    bench.send(GuestMessage::SystemMetrics(SystemMetrics::default()));
    let lines = read_by(&mut bench, MON);
    let [(line, Some(inner))] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["to"], &inner["type"]), (&json!("mon"), &json!("system_metrics")));
}

#[test]
fn metrics_hello_and_streams_go_to_who_asked_for_them_and_plain_ones_to_all() {
    let mut bench = bench();
    seal(&mut bench, MON, r#"{"type":"Metrics","id":"m"}"#);
    bench.send(GuestMessage::SystemMetrics(SystemMetrics {
        request_id: Some("m".into()),
        ..SystemMetrics::default()
    }));
    assert_eq!(read_by(&mut bench, MON)[0].1.as_ref().unwrap()["request_id"], "m");
    bench.send(GuestMessage::SystemMetrics(SystemMetrics::default()));
    assert_eq!(bench.lines()[0]["type"], "system_metrics");
    seal(&mut bench, OPS3, r#"{"type":"Hello"}"#);
    bench.say(r#"{"type":"Hello"}"#);
    for _ in 0..2 {
        bench.send(GuestMessage::Hello(hello()));
    }
    let lines = read_by(&mut bench, OPS3);
    let inner: Vec<_> = lines.iter().filter_map(|(_, inner)| inner.as_ref()).collect();
    assert_eq!((inner.len(), lines.len()), (1, 2));
    assert!(lines.iter().any(|(line, _)| line["type"] == "hello"));
    seal(&mut bench, OPS2, r#"{"type":"Subscribe","id":"s","interval_ms":500,"fields":["system.cpu"]}"#);
    bench.send(GuestMessage::Response(Response::ok("s", "Subscribe", json!({"subscription": 7}))));
    bench.written();
    for subscription in [7, 8] {
        let sample = Stream { subscription, ..stream() };
        bench.send(GuestMessage::Stream(sample));
    }
    let lines = read_by(&mut bench, OPS2);
    assert_eq!(lines[0].1.as_ref().unwrap()["subscription"], 7);
    assert_eq!(
        (lines.len(), &lines[1].0["type"]),
        (2, &json!("stream")),
        "of a stream that was asked for in the open"
    );
}

fn hello() -> Hello {
    serde_json::from_value(json!({
        "agent_version": "1", "protocol_version": 1, "platform": "linux", "os": "x", "capabilities": [],
        "limits": infiniservice_protocol::Limits::default()
    }))
    .unwrap()
}

fn stream() -> Stream {
    serde_json::from_value(json!({
        "subscription": 1, "seq": 1, "effective_interval_ms": 500, "data": {}, "collection": {"duration_ms": 1, "failed": []}
    }))
    .unwrap()
}

#[test]
fn a_monitor_may_read_figures_and_nothing_else() {
    let mut bench = bench();
    for (payload, may) in [
        (r#"{"type":"Metrics","id":"m"}"#, true),
        (r#"{"type":"Hello"}"#, true),
        (COMMAND, false),
        (REBOOT, false),
    ] {
        seal(&mut bench, MON, payload);
        assert_eq!(delivers(&bench), may, "{payload}");
        let lines = read_by(&mut bench, MON);
        if !may {
            assert_eq!(lines[0].1.as_ref().unwrap()["error_code"], "PERMISSION_DENIED");
        }
    }
}

#[test]
fn what_is_wrong_with_what_was_sealed_is_told_to_who_sealed_it_alone() {
    let mut bench = bench();
    for payload in [r#"{"type":"a secret"}"#, r#"{"type":"SafeCommand","id":"c1","command_type":"a secret"}"#]
    {
        seal(&mut bench, OPS2, payload);
        assert!(!delivers(&bench));
        let lines = read_by(&mut bench, OPS2);
        let [(line, Some(inner))] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(!line.to_string().contains("secret") && inner["error"].as_str().is_some(), "{inner}");
    }
    let line = host("ops-2", 2).seal((MS, "other"), Some("c2"), REBOOT, [1; 32]).unwrap();
    bench.say(line.trim_end());
    assert!(!delivers(&bench), "the id in the open is another");
}

#[test]
fn refused_lines_are_answered_in_the_open_and_logged_once_a_minute() {
    let mut bench = bench();
    let (mut logs, mut lines) = (0, Vec::new());
    for n in 0..120u8 {
        let line = host("ops-2", 9).seal((MS, &n.to_string()), Some("c1"), REBOOT, [n; 32]).unwrap();
        bench.say(line.trim_end());
        assert!(!delivers(&bench));
        logs += bench
            .actions
            .iter()
            .filter(|action| matches!(action, Action::Log(_, text) if text.contains("signature")))
            .count();
        lines.extend(bench.lines());
        bench.wait(1.0);
    }
    assert_eq!(logs, 2);
    assert!(lines.iter().any(|line| line["id"] == "c1" && line["error_code"] == "SIGNATURE_INVALID"));
}

#[test]
fn a_key_that_was_replaced_is_heard_no_more_and_its_answers_are_told_to_nobody() {
    let mut bench = bench();
    seal(&mut bench, OPS2, REBOOT);
    bench.link.set_controllers(controllers(&[("ops-3", 3, ""), ("ops-4", 4, "")]));
    bench.send(GuestMessage::Response(Response::ok("c1", "Reboot", json!({"what": "a secret"}))));
    let lines = bench.lines();
    assert_eq!((&lines[0]["id"], &lines[0]["error_code"]), (&json!("c1"), &json!("INTERNAL")));
    assert!(!lines[0].to_string().contains("a secret"));
    for ((kid, n), may) in [(OPS2, false), (OPS3, true), (("ops-4", 4), true)] {
        seal(&mut bench, (kid, n), r#"{"type":"SafeCommand","id":"c9-%","command_type":{"action":"ServiceList"}}"#.replace('%', kid).as_str());
        assert_eq!(delivers(&bench), may, "{kid}");
    }
}

#[test]
fn a_sealed_line_without_keys_is_refused_and_our_own_that_comes_back_is_passed_over() {
    let mut plain = Bench::connected();
    plain.written();
    seal(&mut plain, OPS2, REBOOT);
    let lines = plain.lines();
    assert_eq!((&lines[0]["id"], &lines[0]["error_code"]), (&json!("c1"), &json!("SIGNATURE_INVALID")));
    let mut bench = bench();
    seal(&mut bench, OPS2, REBOOT);
    bench.respond("c1");
    let own = bench.lines().remove(0).to_string();
    for bench in [&mut bench, &mut plain] {
        bench.say(&own);
        assert!(bench.lines().is_empty(), "it would come back for ever");
        assert_eq!(bench.link.stats().echoed_lines, 1);
    }
}

#[test]
fn without_randomness_nothing_is_told_in_the_open() {
    let mut bench = bench();
    let known = controllers(&[("ops-2", 2, "")]);
    let seals = SealSettings { own: pair(1), controllers: known, plain: BOTH, draw: Box::new(|| None) };
    bench.link = Link::new(LinkSettings::default(), 1).with_seals(seals);
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    bench.written();
    seal(&mut bench, OPS2, REBOOT);
    bench.send(GuestMessage::Response(Response::ok("c1", "Reboot", json!({"what": "a secret"}))));
    let lines = bench.lines();
    assert_eq!(lines[0]["error_code"], "INTERNAL");
    assert!(!lines[0].to_string().contains("a secret"));
}
