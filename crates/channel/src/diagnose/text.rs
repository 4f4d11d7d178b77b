//! The report as text: the verdict first, then what to do, then what it stands on.

use super::assess::{host, name_holders};
use super::facts::{Driver, Facts, PortFacts, PortState, ServiceFacts};
use super::printable;
use super::report::{Finding, Report, Severity};
use std::fmt::Write;

/// Renders; every line ends with a newline.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    line(&mut out, &report.verdict);
    findings(&mut out, &report.findings);
    paths(&mut out, &report.facts);
    ports(&mut out, &report.facts.ports);
    system(&mut out, &report.facts);
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

fn findings(out: &mut String, findings: &[Finding]) {
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

fn paths(out: &mut String, facts: &Facts) {
    heading(out, "Expected paths, most preferred first");
    for path in &facts.expected_paths {
        line(out, &format!("  {}: {}", path.path.display(), path.found));
    }
}

fn ports(out: &mut String, ports: &[PortFacts]) {
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

fn system(out: &mut String, facts: &Facts) {
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
