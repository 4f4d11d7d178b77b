//! A machine, as its lines and the time make it.

use super::*;
use crate::at;

const METRICS: &str = include_str!("../../../protocol/golden/system_metrics.jsonl");

fn up() -> Machine {
    let mut machine = Machine::default();
    machine.connected(at(0));
    machine.spoke(at(0));
    machine
}

fn offer(machine: &mut Machine, now: Now, client: Client, may_change: bool, line: String) -> Verdict {
    let request = crate::request::read(&line);
    let permit = if may_change { Ok(()) } else { Err("you may only read".to_owned()) };
    machine.offer(now, client, permit, line, request)
}

fn kinds(reaction: &Reaction) -> Vec<Kind> {
    reaction.events.iter().map(|(kind, _)| *kind).collect()
}

fn metrics() -> String {
    METRICS.lines().next().unwrap().to_owned()
}

fn hello(instance: &str) -> String {
    format!(
        r#"{{"type":"hello","agent_version":"0.1.0","protocol_version":1,"platform":"linux","os":"Debian",
        "capabilities":[],"limits":{{}},"instance":"{instance}"}}"#
    )
}

#[test]
fn a_heartbeat_is_answered_by_the_hub_and_reaches_no_client() {
    let reaction = up().line(at(1), r#"{"type":"keep_alive","sequence_number":42}"#);
    assert_eq!(reaction.write, [Write::Message(HostMessage::KeepAliveResponse { sequence_number: 42 })]);
    assert!(!reaction.to_all && reaction.to.is_empty());
}

#[test]
fn the_answer_to_a_clients_ping_is_no_heartbeat() {
    let mut machine = up();
    let ping = r#"{"type":"keep_alive_request","sequence_number":7}"#;
    assert!(matches!(offer(&mut machine, at(0), Client(3), false, ping.to_owned()), Verdict::Send(_)));
    let reaction = machine.line(at(1), r#"{"type":"keep_alive","sequence_number":7}"#);
    assert_eq!((reaction.write, reaction.to), (vec![], vec![Client(3)]));
}

#[test]
fn the_round_trip_is_measured_every_half_minute() {
    let mut machine = up();
    assert!(machine.tick(at(29)).write.is_empty());
    let Some(Write::Message(HostMessage::KeepAliveRequest { sequence_number })) =
        machine.tick(at(30)).write.pop()
    else {
        panic!("no ping")
    };
    let later = Now { mono: at(30).mono + Duration::from_millis(3), ..at(30) };
    let pong =
        machine.line(later, &format!(r#"{{"type":"keep_alive","sequence_number":{sequence_number}}}"#));
    assert_eq!((machine.round_trip(), pong.write), (Some(Duration::from_millis(3)), vec![]));
}

#[test]
fn metrics_that_nobody_asked_for_go_to_all_and_are_kept() {
    let mut machine = up();
    let line = metrics().replacen(r#""request_id":"m-1","#, "", 1);
    let reaction = machine.line(at(1), &line);
    assert!(reaction.to_all);
    assert_eq!(machine.system().unwrap().memory.total_kb, 2_014_980);
    assert_eq!(machine.history().points().count(), 1);
}

#[test]
fn figures_of_an_agent_that_is_silent_are_not_shown_as_those_of_now() {
    let mut machine = up();
    machine.line(at(1), &metrics());
    assert_eq!(kinds(&machine.tick(at(90))), [Kind::Silent]);
    assert!(machine.system().is_none() && machine.sample().is_some());
    assert_eq!(machine.spoke(at(91)).unwrap().0, Kind::Connected);
    assert!(machine.system().is_some());
}

#[test]
fn another_instance_of_the_agent_is_a_restart_and_loses_what_was_asked() {
    let mut machine = up();
    assert_eq!(kinds(&machine.line(at(1), &hello("a"))), []);
    assert_eq!(kinds(&machine.line(at(2), &hello("a"))), []);
    let command = r#"{"type":"SafeCommand","id":"x","command_type":{"action":"ServiceList"}}"#;
    offer(&mut machine, at(2), Client(1), true, command.to_owned());
    let reaction = machine.line(at(3), &hello("b"));
    assert_eq!(kinds(&reaction), [Kind::Restarted]);
    assert_eq!(reaction.lost, [(Client(1), "x".to_owned())]);
}

#[test]
fn a_reboot_an_upgrade_a_failed_service_and_a_full_disk_are_told_once() {
    let mut machine = up();
    machine.line(at(1), &metrics());
    let changed = metrics()
        .replace(r#""uptime_seconds":86461"#, r#""uptime_seconds":12"#)
        .replace(r#""agent_version":"0.1.0""#, r#""agent_version":"0.2.0""#)
        .replace(r#""state":"running","start_type""#, r#""state":"failed","start_type""#)
        .replace(r#""available_gb":6.6295"#, r#""available_gb":0.1"#);
    let reaction = machine.line(at(2), &changed);
    assert_eq!(
        kinds(&reaction),
        [Kind::Rebooted, Kind::AgentUpgraded, Kind::ServiceFailed, Kind::DiskFilling]
    );
    assert!(reaction.events.iter().any(|(_, text)| text == "/ is 92 % full"), "{:?}", reaction.events);
    assert_eq!(kinds(&machine.line(at(3), &changed)), []);
}

#[test]
fn a_flood_of_noise_is_counted_and_told_once_a_minute() {
    let mut machine = up();
    let told = |machine: &mut Machine, second| machine.line(at(second), "noise").events.len();
    assert_eq!(told(&mut machine, 1), 1);
    assert_eq!((2..60).map(|second| told(&mut machine, second)).sum::<usize>(), 0);
    assert_eq!(told(&mut machine, 61), 1);
    assert_eq!(machine.lines(), (60, 60));
}

#[test]
fn a_refused_command_is_an_event_and_an_ordinary_failure_is_none() {
    let mut machine = up();
    let answer = |code: &str| {
        format!(
            r#"{{"type":"response","id":"q","success":false,"command_type":"ServiceControl","error_code":"{code}"}}"#
        )
    };
    let ask = r#"{"type":"SafeCommand","id":"q","command_type":{"action":"ServiceList"}}"#;
    offer(&mut machine, at(1), Client(1), true, ask.to_owned());
    assert_eq!(kinds(&machine.line(at(1), &answer("ACTION_BLOCKED"))), [Kind::Refused]);
    assert_eq!(kinds(&machine.line(at(1), &answer("ACTION_BLOCKED"))), [], "nobody asked for it");
    offer(&mut machine, at(1), Client(1), true, ask.to_owned());
    assert_eq!(kinds(&machine.line(at(1), &answer("NOT_FOUND"))), []);
}

#[test]
fn another_agent_beneath_the_same_connection_is_asked_who_it_is() {
    let mut machine = up();
    let beat = |machine: &mut Machine, number: u64| {
        let line = format!(r#"{{"type":"keep_alive","sequence_number":{number}}}"#);
        let asked = |write: &Write| matches!(write, Write::Message(HostMessage::Hello { .. }));
        machine.line(at(1), &line).write.iter().any(asked)
    };
    assert!(!beat(&mut machine, 40) && !beat(&mut machine, 41) && !beat(&mut machine, 41));
    assert!(beat(&mut machine, 1) && !beat(&mut machine, 2));
}

#[test]
fn who_may_only_read_ends_nothing_but_his_own() {
    let mut machine = up();
    let list = |id: &str| {
        format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":"ServiceList"}}}}"#)
    };
    let cancel = |target: &str| format!(r#"{{"type":"Cancel","id":"c-{target}","target":"{target}"}}"#);
    offer(&mut machine, at(1), Client(1), true, list("others"));
    offer(&mut machine, at(1), Client(2), false, list("own"));
    let refused = |machine: &mut Machine, line| {
        matches!(offer(machine, at(1), Client(2), false, line), Verdict::Refuse(_))
    };
    assert!(refused(&mut machine, cancel("others")) && refused(&mut machine, cancel("unknown")));
    assert!(!refused(&mut machine, cancel("own")));
    assert!(refused(&mut machine, r#"{"type":"OfTheFuture"}"#.to_owned()));
}

#[test]
fn who_may_only_read_has_nothing_changed() {
    let mut machine = up();
    let line =
        |action: &str| format!(r#"{{"type":"SafeCommand","id":"x","command_type":{{"action":"{action}"}}}}"#);
    let Verdict::Refuse(rejection) = offer(&mut machine, at(1), Client(1), false, line("SystemReboot"))
    else {
        panic!()
    };
    assert_eq!((rejection.code, rejection.id.as_deref()), (ErrorCode::PermissionDenied, Some("x")));
    assert!(matches!(offer(&mut machine, at(1), Client(1), false, line("ServiceList")), Verdict::Send(_)));
}
