//! Everything that is wrong, each with what to do.

use super::super::fixes;
use super::super::report::{Finding, Severity};
use super::facts::{AttemptFacts, WindowsFacts};
use super::problem;
use crate::transport::candidates::Role;
use crate::transport::outcome::Outcome;

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
        findings.push(finding(Severity::Warning, "substitute_port", problem, fixes::add_channel()));
    }
    findings
}

fn why_unusable(facts: &WindowsFacts) -> Vec<Finding> {
    let there = facts.attempts.iter().find(|one| !matches!(one.failure, None | Some(Outcome::Absent)));
    if let Some((one, outcome)) = there.and_then(|one| Some((one, one.failure.as_ref()?))) {
        let fix = if *outcome == Outcome::AccessDenied { fixes::access_denied() } else { Vec::new() };
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
        return vec![finding(Severity::Error, "no_controller", problem, fixes::add_channel())];
    }
    if controllers.iter().all(|device| device.driver.is_none() || device.problem_code.is_some()) {
        let problem = "The virtio-serial controller does not work: it has no driver, or a problem.";
        return vec![finding(Severity::Error, "driver_missing", problem, vec![problem::fix(28).into()])];
    }
    let problem = "The virtio-serial controller works, but has no port named org.infinibay.agent.";
    vec![finding(Severity::Error, "no_port_of_ours", problem, fixes::add_channel())]
}

fn about_problems(facts: &WindowsFacts) -> Vec<Finding> {
    let broken = facts.devices.iter().filter_map(|device| Some((device, device.problem_code?)));
    let one = |(device, code): (&super::facts::DeviceFacts, u32)| {
        let problem = format!("{} has problem code {code}: {}", device.name, problem::meaning(code));
        finding(Severity::Warning, "device_problem", problem, vec![problem::fix(code).into()])
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
