//! Which device is the channel, and the verdict in a line.

use super::facts::{Facts, Holder, PortFacts, PortState};
use super::report::{Finding, Severity};

/// The first usable port in the agent's own order; one that the agent holds already comes before all.
pub fn channel(facts: &Facts) -> Option<&PortFacts> {
    let held = facts.ports.iter().find(|port| port.state == PortState::HeldByAgent);
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

/// The path that people know.
pub fn shown(port: &PortFacts) -> String {
    port.link.as_ref().unwrap_or(&port.node).display().to_string()
}

fn held(port: &PortFacts) -> String {
    match port.holders.iter().find(|holder| holder.is_agent) {
        Some(agent) if port.state == PortState::HeldByAgent => {
            format!("held by the agent (pid {})", agent.pid)
        }
        _ => "free".into(),
    }
}

/// The other end, in two words.
pub fn host(port: &PortFacts) -> &'static str {
    match port.host_connected {
        Some(true) => "host connected",
        Some(false) => "no host connected",
        None => "host unknown",
    }
}

/// `name (pid 1), name (pid 2)`.
pub fn name_holders(holders: &[Holder]) -> String {
    let names: Vec<String> = holders.iter().map(|h| format!("{} (pid {})", h.name, h.pid)).collect();
    names.join(", ")
}
