//! Every refused line reaches the audit: one by one, or in a number.

use super::bench::Bench;
use super::*;
use infiniservice_protocol::{ErrorCode, Rejection};

/// What the last event told the audit: the refused lines, and how many more.
fn told(bench: &Bench) -> (Vec<Rejection>, u64) {
    let lines = bench.actions.iter().filter_map(|action| match action {
        Action::Refused(rejection) => Some(rejection.clone()),
        _ => None,
    });
    let left_out = bench.actions.iter().map(|action| match action {
        Action::RefusedLeftOut(count) => *count,
        _ => 0,
    });
    (lines.collect(), left_out.sum())
}

#[test]
fn each_kind_of_bad_line_is_told_with_its_code_its_id_and_its_action() {
    let mut bench = Bench::connected();
    let long = "x".repeat(1 << 21);
    for (line, code, id, command_type) in [
        ("nonsense", ErrorCode::InvalidJson, None, None),
        (r#"{"type":"SafeCommand","id":"i","command_type":"#, ErrorCode::InvalidJson, Some("i"), None),
        (&long, ErrorCode::MessageTooLarge, None, None),
        (r#"{"type":"Reboot","id":"r"}"#, ErrorCode::UnknownType, Some("r"), Some("Reboot")),
        ("[1]", ErrorCode::InvalidMessage, None, None),
        (
            r#"{"type":"SafeCommand","id":"t","command_type":{"action":"ServiceList"},"timeout":"x"}"#,
            ErrorCode::InvalidMessage,
            Some("t"),
            Some("ServiceList"),
        ),
    ] {
        bench.say(line);
        let (lines, left_out) = told(&bench);
        let [told] = &lines[..] else { panic!("{code}: {lines:?}") };
        assert_eq!((told.code, told.id.as_deref(), left_out), (code, id, 0), "{told:?}");
        assert_eq!(told.command_type.as_deref(), command_type, "{told:?}");
    }
}

#[test]
fn good_lines_are_not_told() {
    let mut bench = Bench::connected();
    for line in [COMMAND, r#"{"type":"Hello"}"#, r#"{"type":"Metrics"}"#] {
        bench.say(line);
        assert_eq!(told(&bench), (vec![], 0), "{line}");
    }
}

#[test]
fn of_a_flood_the_first_are_told_and_the_others_counted_a_few_seconds_later() {
    let mut bench = Bench::connected();
    let mut lines = 0;
    for _ in 0..1000 {
        bench.say("garbage");
        lines += told(&bench).0.len();
    }
    assert_eq!(lines, 32);
    assert_eq!(bench.link.next_deadline(), Some(Duration::from_secs(10)));
    bench.wait(10.0);
    bench.event(Event::Timer);
    assert_eq!(told(&bench), (vec![], 968));
    assert_eq!(bench.link.refused_left_out(), None);
    bench.say("garbage");
    assert_eq!(told(&bench).0.len(), 1);
}

#[test]
fn when_the_host_goes_the_number_is_told_at_once() {
    let mut bench = Bench::connected();
    for _ in 0..40 {
        bench.say("garbage");
    }
    bench.event(Event::Port(PortEvent::HostDisconnected));
    assert_eq!((told(&bench), bench.link.next_deadline()), ((vec![], 8), None));
}

#[test]
fn what_is_not_told_yet_when_the_agent_ends_is_told_then() {
    let mut bench = Bench::connected();
    for _ in 0..40 {
        bench.say("garbage");
    }
    assert_eq!((bench.link.refused_left_out(), bench.link.refused_left_out()), (Some(8), None));
}

#[test]
fn unsigned_lines_are_told_though_they_are_not_answered() {
    let mut bench = Bench::new();
    bench.link = Link::new(LinkSettings::default(), 1).with_secret("sixteen letters!");
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    for _ in 0..3 {
        bench.say(COMMAND);
        let (lines, _) = told(&bench);
        assert_eq!(lines.iter().map(|line| line.code).collect::<Vec<_>>(), [ErrorCode::SignatureInvalid]);
    }
}
