//! Everything that is wrong, each with what to do; and the problem codes of the device manager (`CM_PROB_…` in `cfg.h`;
//! Microsoft's "Error codes in Device Manager").

use super::super::finding::{Finding, Severity};
use super::{AttemptFacts, WindowsFacts};
use crate::diagnose::findings;
use crate::transport::outcome::Outcome;
use crate::transport::role::Role;

/// The device that the agent uses or would use.
pub fn channel(facts: &WindowsFacts) -> Option<&AttemptFacts> {
    facts.attempts.iter().find(|one| one.failure.is_none() || is_held_by_agent(facts, one))
}

/// While its service runs, the agent's own device can be opened by nobody else.
pub fn is_held_by_agent(facts: &WindowsFacts, one: &AttemptFacts) -> bool {
    let runs = facts.service.as_ref().is_some_and(|service| service.running);
    runs && one.role.is_own() && matches!(one.failure, Some(Outcome::AccessDenied | Outcome::Busy))
}

/// All findings.
pub fn all(facts: &WindowsFacts) -> Vec<Finding> {
    let mut findings = match channel(facts) {
        Some(one) => about_channel(one),
        None => why_unusable(facts),
    };
    findings.extend(about_problems(facts));
    findings.extend(about_service(facts));
    findings.extend(about_guest_agent(facts));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn finding(severity: Severity, code: &'static str, problem: impl Into<String>, fix: Vec<String>) -> Finding {
    Finding { severity, code, problem: problem.into(), fix }
}

fn about_channel(one: &AttemptFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if one.host_connected == Some(false) {
        let fix =
            vec!["on the host: connect to the channel's socket, e.g. infinictl --socket PATH ping".into()];
        findings.push(finding(
            Severity::Warning,
            "no_host",
            "No host has the other end of the channel open.",
            fix,
        ));
    }
    if !one.role.is_own() && one.role != Role::Agent {
        let problem = format!("The agent's own port is missing; the agent uses {}.", one.path.display());
        findings.push(finding(Severity::Warning, "substitute_port", problem, findings::add_channel()));
    }
    findings
}

fn why_unusable(facts: &WindowsFacts) -> Vec<Finding> {
    let there = facts.attempts.iter().find(|one| !matches!(one.failure, None | Some(Outcome::Absent)));
    if let Some((one, outcome)) = there.and_then(|one| Some((one, one.failure.as_ref()?))) {
        let fix = if *outcome == Outcome::AccessDenied { findings::access_denied() } else { Vec::new() };
        let problem = format!("{}: {outcome}.", one.path.display());
        return vec![finding(Severity::Error, "cannot_open", problem, fix)];
    }
    if let Some(one) = facts.attempts.iter().find(|one| one.role == Role::Configured) {
        let problem = format!("The configured device {} does not exist.", one.path.display());
        let fix = vec!["correct device_path, or remove it: the agent finds the port by its name".into()];
        return vec![finding(Severity::Error, "configured_absent", problem, fix)];
    }
    let controllers: Vec<_> = facts.devices.iter().filter(|device| device.controller).collect();
    if controllers.is_empty() {
        let problem = "This machine has no virtio-serial controller, and therefore no virtio port.";
        return vec![finding(Severity::Error, "no_controller", problem, findings::add_channel())];
    }
    if controllers.iter().all(|device| device.driver.is_none() || device.problem_code.is_some()) {
        let problem = "The virtio-serial controller does not work: it has no driver, or a problem.";
        return vec![finding(Severity::Error, "driver_missing", problem, vec![fix(28).into()])];
    }
    let problem = "The virtio-serial controller works, but has no port named org.infinibay.agent.";
    vec![finding(Severity::Error, "no_port_of_ours", problem, findings::add_channel())]
}

fn about_problems(facts: &WindowsFacts) -> Vec<Finding> {
    let broken = facts.devices.iter().filter_map(|device| Some((device, device.problem_code?)));
    let one = |(device, code): (&super::DeviceFacts, u32)| {
        let problem = format!("{} has problem code {code}: {}", device.name, meaning(code));
        finding(Severity::Warning, "device_problem", problem, vec![fix(code).into()])
    };
    broken.map(one).collect()
}

fn about_service(facts: &WindowsFacts) -> Vec<Finding> {
    let warn =
        |code, problem: String, fix: &str| vec![finding(Severity::Warning, code, problem, vec![fix.into()])];
    if let Some(error) = &facts.service_error {
        return warn(
            "service_unknown",
            format!("The service cannot be queried: {error}"),
            "run it as an administrator",
        );
    }
    let Some(service) = &facts.service else {
        let fix = "infiniservice service install, then: infiniservice service start";
        return warn("service_not_installed", "The service InfiniService is not installed.".into(), fix);
    };
    let mut findings = Vec::new();
    if !service.running {
        let problem = format!("The service InfiniService is {}.", service.state);
        findings.extend(warn("service_not_running", problem, "infiniservice service start"));
    }
    if service.start_up != "auto" {
        let problem = format!("The service InfiniService starts {}.", service.start_up);
        findings.extend(warn("service_not_automatic", problem, "infiniservice service install"));
    }
    findings
}

/// Who is there for hosts that look for qemu-ga. Windows tells nobody which program holds a port: this follows from services and
/// settings.
fn about_guest_agent(facts: &WindowsFacts) -> Option<Finding> {
    let port = facts.guest_agent.path.as_ref()?.display();
    let settings = vec!["see the setting qga: infiniservice --print-config".to_owned()];
    let (problem, fix) = match (guest_agent(facts), &facts.guest_agent.left) {
        (Server::Agent, _) => {
            (format!("The service InfiniService serves {port}, unless another program holds it."), Vec::new())
        }
        (Server::Other, _) => (format!("{port} is left to the service QEMU-GA, which runs."), Vec::new()),
        (Server::Nobody, Some(reason)) => {
            (format!("The agent does not serve {port}: {reason}. No service QEMU-GA runs."), settings)
        }
        (Server::Nobody, None) => {
            (format!("Nobody serves {port}: the service InfiniService does not run."), Vec::new())
        }
    };
    Some(finding(Severity::Note, "guest_agent_port", problem, fix))
}

/// Who serves the QEMU guest agent's port, as far as services and settings tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The agent.
    Agent,
    /// qemu-ga's own service.
    Other,
    /// Neither.
    Nobody,
}

/// Who serves it.
pub fn guest_agent(facts: &WindowsFacts) -> Server {
    let runs = facts.service.as_ref().is_some_and(|service| service.running);
    match (facts.guest_agent.other_runs, &facts.guest_agent.left) {
        (Some(true), _) => Server::Other,
        (_, None) if runs => Server::Agent,
        _ => Server::Nobody,
    }
}

/// What a code means, in a sentence.
pub fn meaning(code: u32) -> &'static str {
    match code {
        1 => "It is not configured: no driver has been chosen for it.",
        3 => "Its driver may be damaged, or there is not enough memory.",
        10 => "It cannot start.",
        12 => "There are no free resources for it.",
        14 => "It works only after a reboot.",
        18 => "Its driver must be installed again.",
        19 => "Its registry entries are damaged.",
        21 => "Windows is removing it.",
        22 => "It is disabled.",
        24 => "It is not present, or does not work properly.",
        28 => "No driver is installed for it.",
        29 => "Its firmware did not give it the required resources.",
        31 => "Windows cannot load its driver.",
        32 => "Its driver's service is disabled.",
        37 => "Its driver failed to start.",
        38 => "An older instance of its driver is still loaded.",
        39 => "Its driver is damaged or missing.",
        43 => "It was stopped because it reported problems.",
        45 => "It is not connected.",
        48 => "Its driver was blocked because it is known to cause problems.",
        52 => "Its driver's signature cannot be verified.",
        _ => "It does not work; see the device manager.",
    }
}

/// What to do about it.
pub fn fix(code: u32) -> &'static str {
    match code {
        14 | 21 | 38 => "restart the machine",
        22 | 32 => "enable it in the device manager",
        _ => "install the virtio-win guest tools (their driver is vioserial), then run the diagnosis again",
    }
}
