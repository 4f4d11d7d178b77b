//! The judgement over the facts: which device is the channel, usable or not, why, and what to do; as text (the verdict first, then
//! what to do, then what it stands on) and as JSON.

use super::facts::{Driver, Facts, PortFacts, PortState, ServiceFacts};
use super::finding::{Finding, Severity, host, name_holders, shown};
use super::{findings, printable};
use crate::transport::role::Role;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// The result of `--diagnose`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of the agent that looked.
    pub agent_version: &'static str,
    /// Whether the agent can use the channel: it holds it, or could open it.
    pub usable: bool,
    /// One line for people.
    pub verdict: String,
    /// The device that the agent uses or would use.
    pub channel: Option<PathBuf>,
    /// Most important first.
    pub findings: Vec<Finding>,
    /// What it stands on.
    pub facts: Facts,
}

impl Report {
    /// Judges.
    pub fn new(facts: Facts) -> Self {
        let channel = channel(&facts);
        let mut findings = findings::all(&facts, channel);
        findings.sort_by_key(|finding| finding.severity);
        Self {
            agent_version: infiniservice_platform::AGENT_VERSION,
            usable: channel.is_some(),
            verdict: verdict(channel, &findings),
            channel: channel.map(|port| port.link.clone().unwrap_or_else(|| port.node.clone())),
            findings,
            facts,
        }
    }

    /// Whether the channel can be used: exit code 0, else 1. A host that is not connected is not the machine's fault
    /// and does not make it unusable.
    pub fn usable(&self) -> bool {
        self.usable
    }

    /// For people: verdict, problems with their fixes, then the facts.
    pub fn to_text(&self) -> String {
        render(self)
    }

    /// For programs: one JSON object, indented.
    pub fn to_json(&self) -> String {
        // Fails only for maps without text keys, of which there are none.
        printable::json(&serde_json::to_string_pretty(self).unwrap_or_default())
    }
}

/// The first usable port in the agent's own order; one that the agent holds already comes before all.
pub fn channel(facts: &Facts) -> Option<&PortFacts> {
    // The agent may hold a port for the QEMU guest agent's protocol besides, and one for bulk.
    let is_beside = |port: &&PortFacts| matches!(port.role, Role::GuestAgent | Role::Bulk);
    let is_own = |port: &&PortFacts| !is_beside(port) || port.rank.is_some();
    let mut by_agent = facts.ports.iter().filter(|port| port.state == PortState::HeldByAgent);
    let held = by_agent.find(is_own);
    let mut free: Vec<&PortFacts> =
        facts.ports.iter().filter(|port| port.state == PortState::Usable).collect();
    free.sort_by_key(|port| port.rank);
    held.or_else(|| free.first().copied())
}

/// One line: the answer, the device, who holds it, who is at the other end; or the first problem.
pub fn verdict(channel: Option<&PortFacts>, findings: &[Finding]) -> String {
    if let Some(port) = channel {
        return format!("USABLE: {}, {}, {}.", shown(port), held(port), host(port));
    }
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    let problem = first.map_or("No device was found.", |finding| finding.problem.as_str());
    format!("NOT USABLE: {problem}")
}

fn held(port: &PortFacts) -> String {
    match port.holders.iter().find(|holder| holder.is_agent) {
        Some(agent) if port.state == PortState::HeldByAgent => {
            format!("held by the agent (pid {})", agent.pid)
        }
        _ => "free".into(),
    }
}

/// Renders; every line ends with a newline.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    line(&mut out, &report.verdict);
    write_findings(&mut out, &report.findings);
    write_paths(&mut out, &report.facts);
    write_ports(&mut out, &report.facts.ports);
    write_system(&mut out, &report.facts);
    out
}

/// Every line goes out by here. Writing to a `String` cannot fail.
fn line(out: &mut String, text: &str) {
    let _infallible = writeln!(out, "{}", printable::line(text));
}

fn heading(out: &mut String, text: &str) {
    line(out, "");
    line(out, text);
}

fn write_findings(out: &mut String, findings: &[Finding]) {
    for (index, finding) in findings.iter().enumerate() {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        heading(out, &format!("{}. {severity}: {}", index + 1, finding.problem));
        if !finding.fix.is_empty() {
            line(out, "   fix:");
        }
        for fix in &finding.fix {
            line(out, &format!("     {fix}"));
        }
    }
}

fn write_paths(out: &mut String, facts: &Facts) {
    heading(out, "Expected paths, most preferred first");
    for path in &facts.expected_paths {
        line(out, &format!("  {}: {}", path.path.display(), path.found));
    }
}

fn write_ports(out: &mut String, ports: &[PortFacts]) {
    heading(out, "Ports");
    if ports.is_empty() {
        line(out, "  none");
    }
    for port in ports {
        line(out, &format!("  {}: {}", port.node.display(), describe(port)));
    }
}

fn describe(port: &PortFacts) -> String {
    let name = port.name.as_deref().unwrap_or("no name");
    let owner = port.owner.as_deref().unwrap_or("owner unknown");
    let mode = port.mode.as_deref().unwrap_or("mode unknown");
    let holders = match port.holders.as_slice() {
        [] => "no visible holder".to_owned(),
        some => format!("held by {}", name_holders(some)),
    };
    format!("{name}; {owner} {mode}; {}; {holders}; {}", state(&port.state), host(port))
}

fn state(state: &PortState) -> String {
    match state {
        PortState::Usable => "can be opened".into(),
        PortState::HeldByAgent => "in use by the agent".into(),
        PortState::NotTried => "not for the agent".into(),
        PortState::Unusable(outcome) => outcome.to_string(),
    }
}

fn write_system(out: &mut String, facts: &Facts) {
    heading(out, "System");
    line(out, &format!("  controller: {}", controllers(facts)));
    line(out, &format!("  kernel driver virtio_console: {}", driver(facts.driver)));
    let running = if facts.udev.running { "running" } else { "not running" };
    line(out, &format!("  udev: {running}, {} links in /dev/virtio-ports", facts.udev.links));
    for unit in [&facts.service].into_iter().chain(&facts.other_services) {
        let name = if unit.unit.is_empty() { "infiniservice" } else { &unit.unit };
        line(out, &format!("  service {name}: {}", service(unit)));
    }
    line(out, &format!("  ran as user id {}", facts.user_id));
}

fn controllers(facts: &Facts) -> String {
    let one = |c: &super::facts::Controller| {
        format!("{} {} (driver {})", c.bus, c.address, c.driver.as_deref().unwrap_or("none"))
    };
    let all: Vec<String> = facts.controllers.iter().map(one).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

fn driver(driver: Driver) -> &'static str {
    match driver {
        Driver::Loaded => "loaded",
        Driver::BuiltIn => "built into the kernel",
        Driver::NotLoaded => "available, not loaded",
        Driver::Missing => "not part of this kernel",
        Driver::Unknown => "unknown (the kernel's modules are not listed)",
    }
}

fn service(service: &ServiceFacts) -> String {
    let Some(manager) = &service.manager else { return "no known service manager is running here".into() };
    if !service.installed {
        return format!("not installed ({manager})");
    }
    let said = [&service.active, &service.sub_state, &service.start_up];
    let mut parts: Vec<String> = said.into_iter().flatten().cloned().collect();
    parts.extend(service.pid.map(|pid| format!("pid {pid}")));
    if parts.is_empty() { "installed".into() } else { parts.join(", ") }
}
