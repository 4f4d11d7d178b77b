//! What the report promises for each state of a machine.

use super::facts::{Controller, Driver, Facts, Holder, PortFacts, PortState};
use super::finding::Severity;
use super::report::Report;
use super::test_facts::{bare, in_order, port};
use crate::transport::outcome::Outcome;
use crate::transport::role::Role;

/// The machine in order, its agent's port changed.
fn with_port(change: impl Fn(&mut PortFacts)) -> Facts {
    let mut facts = in_order();
    facts.ports.iter_mut().for_each(change);
    facts
}

fn unusable(outcome: &Outcome) -> Facts {
    with_port(|port| {
        port.state = PortState::Unusable(outcome.clone());
        port.holders = Vec::new();
    })
}

fn first(facts: Facts) -> (bool, &'static str, String) {
    let report = Report::new(facts);
    let finding = report.findings.first().expect("a finding");
    (report.usable(), finding.code, finding.fix.join("\n"))
}

#[test]
fn a_machine_in_order_is_usable_and_has_nothing_to_fix() {
    let report = Report::new(in_order());
    assert!(report.usable());
    assert_eq!(report.findings, []);
    let says = "USABLE: /dev/virtio-ports/org.infinibay.agent, held by the agent (pid 812), host connected.";
    assert_eq!(report.verdict, says);
}

#[test]
fn a_machine_without_a_controller_is_told_the_xml_to_add() {
    let (usable, code, fix) = first(bare());
    assert_eq!((usable, code), (false, "no_controller"));
    assert!(fix.contains("<target type='virtio' name='org.infinibay.agent'/>"), "{fix}");
    assert!(fix.contains("virtserialport,chardev=infinibay,name=org.infinibay.agent"), "{fix}");
}

#[test]
fn the_innermost_cause_of_a_missing_port_is_named() {
    let controller = Controller { bus: "pci".into(), address: "0000:00:05.0".into(), driver: None };
    let drivers = [
        (Driver::NotLoaded, "driver_not_loaded", "modprobe virtio_console"),
        (Driver::Missing, "driver_missing", "kernel"),
        (Driver::Loaded, "no_port", "<channel type='unix'>"),
    ];
    for (driver, code, fix) in drivers {
        let (usable, is, says) = first(Facts { driver, controllers: vec![controller.clone()], ..bare() });
        assert_eq!((usable, is), (false, code));
        assert!(says.contains(fix), "{says}");
    }
}

#[test]
fn each_way_in_which_a_port_fails_has_its_own_finding() {
    let denied = Outcome::Denied { owner: "root:root".into(), mode: 0o600, uid: 1000 };
    let cases = [
        (denied, "denied", "SUBSYSTEM==\"virtio-ports\""),
        (Outcome::Absent, "no_node", "udevadm trigger"),
        (Outcome::Console, "console", "<channel type='unix'>"),
        (Outcome::Busy, "busy", "run it as root, outside"),
    ];
    for (outcome, code, fix) in cases {
        let (usable, is, says) = first(unusable(&outcome));
        assert_eq!((usable, is), (false, code));
        assert!(says.contains(fix), "{says}");
    }
}

#[test]
fn who_holds_a_busy_port_is_named_with_how_to_stop_it() {
    let mut facts = unusable(&Outcome::Busy);
    facts.ports[0].holders = vec![Holder { pid: 510, name: "socat".into(), is_agent: false }];
    let report = Report::new(facts);
    let says = "NOT USABLE: /dev/virtio-ports/org.infinibay.agent is held open by socat (pid 510).";
    assert_eq!(report.verdict, says);
    assert!(report.findings[0].fix.iter().any(|line| line.ends_with("kill 510")));
}

#[test]
fn a_host_that_is_away_is_a_warning_and_leaves_the_channel_usable() {
    let report = Report::new(with_port(|port| port.host_connected = Some(false)));
    assert!(report.usable());
    assert_eq!((report.findings[0].code, report.findings[0].severity), ("no_host", Severity::Warning));
}

#[test]
fn foreign_ports_alone_are_no_channel() {
    let spice = port("vport0p1", "com.redhat.spice.0", Role::Foreign, PortState::NotTried);
    let report = Report::new(Facts { ports: vec![spice], ..in_order() });
    assert!(!report.usable());
    assert!(report.verdict.contains("com.redhat.spice.0"), "{}", report.verdict);
}

#[test]
fn the_guest_agents_own_port_in_its_own_hands_is_only_a_note() {
    let mut other =
        port("vport0p1", "org.qemu.guest_agent.0", Role::GuestAgent, PortState::Unusable(Outcome::Busy));
    other.rank = Some(0);
    other.holders = vec![Holder { pid: 510, name: "qemu-ga".into(), is_agent: false }];
    let report = Report::new(Facts { ports: vec![other], ..in_order() });
    let says = "NOT USABLE: No port is named org.infinibay.agent; there is only org.qemu.guest_agent.0.";
    assert_eq!(report.verdict, says);
    let codes: Vec<(&str, Severity)> = report.findings.iter().map(|f| (f.code, f.severity)).collect();
    assert_eq!(codes, [("no_port_of_ours", Severity::Error), ("busy", Severity::Note)]);
}

#[test]
fn a_port_that_the_agent_serves_for_another_protocol_is_not_its_channel() {
    let mut other = port("vport0p1", "org.qemu.guest_agent.0", Role::GuestAgent, PortState::HeldByAgent);
    other.rank = None;
    other.holders = vec![Holder { pid: 510, name: "infiniservice".into(), is_agent: true }];
    let report = Report::new(Facts { ports: vec![other.clone()], ..in_order() });
    assert!(!report.usable(), "{}", report.verdict);
    let mut facts = in_order();
    facts.ports.insert(0, other);
    let report = Report::new(facts);
    assert!(report.usable() && !report.verdict.contains("qemu"), "{}", report.verdict);
    assert!(report.findings.iter().any(|finding| finding.code == "guest_agent_port"));
}

#[test]
fn a_port_of_the_guest_agents_is_used_with_a_warning() {
    let mut other = port("vport0p1", "org.qemu.guest_agent.0", Role::GuestAgent, PortState::Usable);
    other.rank = Some(0);
    let report = Report::new(Facts { ports: vec![other], ..in_order() });
    assert!(report.usable());
    assert_eq!(report.findings[0].code, "substitute_port");
}

#[test]
fn the_port_tried_first_is_the_channel() {
    let mut facts = in_order();
    facts.ports[0].state = PortState::Usable;
    facts.ports[0].rank = Some(1);
    let mut earlier = port("vport9p9", "org.infinibay.agent", Role::Agent, PortState::Usable);
    earlier.rank = Some(0);
    earlier.link = None;
    facts.ports.push(earlier);
    assert_eq!(Report::new(facts).channel.unwrap(), std::path::Path::new("/dev/vport9p9"));
}

#[test]
fn errors_come_before_warnings_and_warnings_before_notes() {
    let busy = PortState::Unusable(Outcome::Busy);
    let mut substitute = port("vport0p1", "org.qemu.guest_agent.0", Role::GuestAgent, busy);
    substitute.rank = Some(0);
    let mut facts = Facts { ports: vec![substitute], ..in_order() };
    facts.service.active = Some("failed".into());
    let severities: Vec<Severity> = Report::new(facts).findings.iter().map(|f| f.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning, Severity::Note]);
}

#[test]
fn a_failed_service_says_how_it_ended_and_where_its_log_is() {
    let mut facts = in_order();
    facts.service.active = Some("failed".into());
    facts.service.result = Some("exit-code".into());
    let finding = Report::new(facts).findings.remove(0);
    assert_eq!(finding.problem, "The service infiniservice has failed (exit-code).");
    assert!(finding.fix[0].starts_with("journalctl -u infiniservice"));
}

#[test]
fn the_text_begins_with_the_verdict_and_shows_each_port_in_a_line() {
    let text = Report::new(with_port(|port| port.host_connected = Some(false))).to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("USABLE: "), "{text}");
    assert_eq!(lines[2], "1. warning: No host has the other end of the channel open.");
    let port = "  /dev/vport0p1: org.infinibay.agent; root:root 0600; in use by the agent; \
                held by infiniservice (pid 812); no host connected";
    assert!(lines.contains(&port), "{text}");
    assert!(lines.contains(&"  service infiniservice: active, running, enabled, pid 812"), "{text}");
}

#[test]
fn the_json_carries_verdict_findings_and_facts() {
    let report = Report::new(unusable(&Outcome::Console));
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["usable"], false);
    assert_eq!(json["findings"][0]["code"], "console");
    assert_eq!(json["findings"][0]["severity"], "error");
    assert_eq!(json["facts"]["ports"][0]["state"]["unusable"], "console");
    assert_eq!(json["facts"]["driver"], "loaded");
}

#[test]
fn what_a_user_named_reaches_no_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\nUSABLE: yes";
    let mut facts = unusable(&Outcome::Busy);
    facts.ports[0].holders = vec![Holder { pid: 729, name: evil.into(), is_agent: false }];
    facts.ports[0].name = Some(evil.into());
    facts.service.sub_state = Some(evil.into());
    let report = Report::new(facts);
    for shown in [report.to_text(), report.to_json()] {
        assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("USABLE")), "{shown}");
    }
}

#[test]
fn an_ordinary_user_is_first_told_to_run_it_as_root_and_offered_no_right() {
    let denied = Outcome::Denied { owner: "root:root".into(), mode: 0o600, uid: 1000 };
    let report = Report::new(Facts { user_id: 1000, holders_complete: false, ..unusable(&denied) });
    assert_eq!(report.findings[0].code, "run_as_root");
    assert!(report.verdict.ends_with("run it as root."), "{}", report.verdict);
    let fixes: String = report.findings.iter().flat_map(|f| f.fix.clone()).collect();
    assert!(!fixes.contains("usermod") && !fixes.contains("udev"), "{fixes}");
}
