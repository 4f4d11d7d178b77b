//! Machines of several kinds, and what is said of each. Hardware ids are as virtio-win documents them; no real machine
//! was looked at.

use super::{AttemptFacts, Dev1043, DeviceFacts, GuestAgentFacts, ServiceFacts, WindowsFacts, WindowsReport};
use crate::transport::outcome::Outcome;
use crate::transport::role::Role;
use crate::transport::win32::hardware::Device;
use crate::transport::win32::paths::{AGENT_PATHS, GUEST_AGENT_PATHS};

fn controller(service: &str, problem: Option<u32>) -> Device {
    Device {
        instance: r"PCI\VEN_1AF4&DEV_1043&SUBSYS_11001AF4&REV_01\3&13C0B0C5&0&28".into(),
        hardware_ids: vec![r"PCI\VEN_1AF4&DEV_1043&SUBSYS_11001AF4&REV_01".into()],
        name: "VirtIO Serial Driver".into(),
        service: service.into(),
        driver_version: None,
        driver_date: None,
        problem,
    }
}

fn tried(failure: Option<Outcome>) -> AttemptFacts {
    let host_connected = failure.is_none().then_some(true);
    AttemptFacts { path: AGENT_PATHS[0].into(), role: Role::Agent, failure, name: None, host_connected }
}

fn service(running: bool) -> ServiceFacts {
    let state = if running { "running, process 7" } else { "stopped" };
    ServiceFacts { state: state.into(), running, start_up: "auto".into(), account: "LocalSystem".into() }
}

fn machine(devices: &[Device], attempt: AttemptFacts, service: Option<ServiceFacts>) -> WindowsReport {
    let facts = WindowsFacts {
        devices: devices.iter().map(DeviceFacts::from).collect(),
        dev_1043: Dev1043::of(devices),
        attempts: vec![attempt],
        service,
        ..WindowsFacts::default()
    };
    WindowsReport::new(facts)
}

fn codes(report: &WindowsReport) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_machine_in_order_has_nothing_to_say() {
    let report = machine(&[controller("VirtioSerial", None)], tried(None), Some(service(true)));
    assert!(report.usable() && report.findings.is_empty(), "{report:?}");
    assert_eq!(report.facts.dev_1043, Dev1043::Works);
    assert!(
        report
            .to_text()
            .starts_with(r"USABLE: \\.\Global\org.infinibay.agent, can be opened, host connected.")
    );
}

#[test]
fn access_denied_while_the_service_runs_is_the_agent_itself() {
    let report =
        machine(&[controller("VirtioSerial", None)], tried(Some(Outcome::AccessDenied)), Some(service(true)));
    assert!(report.usable(), "{report:?}");
    assert!(report.verdict.ends_with("in use by the agent's service."), "{}", report.verdict);
}

#[test]
fn access_denied_without_the_service_names_every_cause() {
    let report = machine(
        &[controller("VirtioSerial", None)],
        tried(Some(Outcome::AccessDenied)),
        Some(service(false)),
    );
    assert!(!report.usable());
    assert_eq!(codes(&report), ["cannot_open", "service_not_running"]);
    for cause in ["another program holds it", "just closed it", "this account may not"] {
        assert!(report.verdict.contains(cause), "{cause}: {}", report.verdict);
    }
}

#[test]
fn a_controller_without_a_driver_is_the_reason_and_its_code_is_explained() {
    let report = machine(&[controller("", Some(28))], tried(Some(Outcome::Absent)), None);
    assert_eq!(codes(&report), ["driver_missing", "device_problem", "service_not_installed"]);
    assert_eq!(report.facts.dev_1043, Dev1043::Broken);
    assert!(report.to_text().contains("problem 28: No driver is installed for it."), "{}", report.to_text());
}

#[test]
fn a_machine_without_a_controller_is_told_how_to_get_one() {
    let report = machine(&[], tried(Some(Outcome::Absent)), Some(service(true)));
    assert_eq!(codes(&report), ["no_controller"]);
    assert!(report.to_text().contains("<channel type='unix'>"));
}

#[test]
fn a_controller_without_our_port_is_told_apart_from_one_that_does_not_work() {
    let report =
        machine(&[controller("VirtioSerial", None)], tried(Some(Outcome::Absent)), Some(service(true)));
    assert_eq!(codes(&report), ["no_port_of_ours"]);
}

#[test]
fn the_json_has_the_head_that_linux_has() {
    let report = machine(&[], tried(None), None);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).expect("JSON");
    for field in ["agent_version", "usable", "verdict", "channel", "findings", "facts"] {
        assert!(json.get(field).is_some(), "{field}");
    }
}

/// With the QEMU guest agent's port, a service of the agent's that runs or not, and these facts of the port.
fn with_guest_agent(running: bool, facts: GuestAgentFacts) -> WindowsReport {
    let path = Some(GUEST_AGENT_PATHS[0].into());
    let facts = WindowsFacts {
        attempts: vec![tried(None)],
        service: Some(service(running)),
        guest_agent: GuestAgentFacts { path, ..facts },
        ..WindowsFacts::default()
    };
    WindowsReport::new(facts)
}

#[test]
fn who_serves_the_guest_agents_port_follows_from_services_and_settings() {
    let left = || Some("qga is false".to_owned());
    let cases = [
        (true, None, None, "The service InfiniService serves"),
        (true, Some(false), None, "The service InfiniService serves"),
        (true, Some(true), left(), "is left to the service QEMU-GA, which runs."),
        (true, Some(true), None, "is left to the service QEMU-GA, which runs."),
        (true, None, left(), "qga is false. No service QEMU-GA runs."),
        (false, None, None, "the service InfiniService does not run."),
    ];
    for (running, other_runs, left, says) in cases {
        let report = with_guest_agent(running, GuestAgentFacts { path: None, left, other_runs });
        let note = report.findings.iter().find(|finding| finding.code == "guest_agent_port").expect("a note");
        assert!(note.problem.contains(says), "{says}: {}", note.problem);
        assert!(report.usable(), "the agent's own channel does not depend on it");
        assert!(
            report.to_text().contains("QEMU guest agent's port\n  \\\\.\\Global\\org.qemu.guest_agent.0: ")
        );
    }
}

#[test]
fn a_machine_without_the_guest_agents_port_has_no_word_about_who_serves_it() {
    let report = machine(&[], tried(None), Some(service(true)));
    assert!(!codes(&report).contains(&"guest_agent_port"));
    assert!(report.to_text().contains("QEMU guest agent's port\n  none\n"), "{}", report.to_text());
}
