//! The report: as text and as JSON.

use super::super::finding::{Finding, Severity};
use super::super::printable;
use super::{AttemptFacts, DeviceFacts, WindowsFacts, judge};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The result of `--diagnose` on Windows. Its head is that of Linux's; the facts differ.
#[derive(Clone, Debug, Serialize)]
pub struct WindowsReport {
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
    pub facts: WindowsFacts,
}

impl WindowsReport {
    /// Judges.
    pub fn new(facts: WindowsFacts) -> Self {
        let (channel, findings) = (judge::channel(&facts), judge::all(&facts));
        let first = findings.first().map_or("No device was found.", |first| first.problem.as_str());
        let verdict = channel.map_or_else(
            || format!("NOT USABLE: {first}"),
            |one| format!("USABLE: {}, {}.", one.path.display(), state(&facts, one)),
        );
        let (usable, channel) = (channel.is_some(), channel.map(|one| one.path.clone()));
        Self {
            agent_version: infiniservice_platform::AGENT_VERSION,
            usable,
            verdict,
            channel,
            findings,
            facts,
        }
    }

    /// Whether the channel can be used: exit code 0, else 1.
    pub fn usable(&self) -> bool {
        self.usable
    }

    /// For programs: one JSON object, indented.
    pub fn to_json(&self) -> String {
        // Fails only for maps without text keys, of which there are none.
        printable::json(&serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// For people: verdict, problems with their fixes, then the facts.
    pub fn to_text(&self) -> String {
        self.written().lines().map(|line| printable::line(line) + "\n").collect()
    }

    /// Writing to a string cannot fail.
    fn written(&self) -> String {
        let mut out = format!("{}\n", self.verdict);
        for (index, finding) in self.findings.iter().enumerate() {
            let _ = writeln!(out, "\n{}. {}: {}", index + 1, severity(finding.severity), finding.problem);
            for fix in &finding.fix {
                let _ = writeln!(out, "     {fix}");
            }
        }
        let _ = writeln!(out, "\nDevices");
        list(&mut out, self.facts.devices.iter().map(device));
        let _ = writeln!(out, "\nPorts, in the order in which they are tried");
        list(
            &mut out,
            self.facts
                .attempts
                .iter()
                .map(|one| format!("{}: {}", one.path.display(), state(&self.facts, one))),
        );
        let _ = writeln!(out, "\nQEMU guest agent's port\n  {}", guest_agent(&self.facts));
        let _ = writeln!(
            out,
            "\nSystem\n  service InfiniService: {}\n  ran as {}",
            self.service(),
            self.facts.account
        );
        out
    }

    fn service(&self) -> String {
        match (&self.facts.service, &self.facts.service_error) {
            (Some(service), _) => {
                format!("{}, starts {}, runs as {}", service.state, service.start_up, service.account)
            }
            (None, Some(error)) => format!("unknown ({error})"),
            (None, None) => "not installed".into(),
        }
    }
}

fn list(out: &mut String, lines: impl Iterator<Item = String>) {
    let before = out.len();
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    if out.len() == before {
        out.push_str("  none\n");
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn device(device: &DeviceFacts) -> String {
    let id = device.hardware_ids.first().map_or(device.instance.as_str(), String::as_str);
    let driver = device.driver.as_deref().unwrap_or("no driver");
    let version = device.driver_version.as_deref().unwrap_or("version unknown");
    let problem = match (device.problem_code, device.problem) {
        (Some(code), Some(text)) => format!("problem {code}: {text}"),
        _ => "works".into(),
    };
    format!("{}: {id}; {driver} {version}; {problem}", device.name)
}

fn guest_agent(facts: &WindowsFacts) -> String {
    let Some(path) = &facts.guest_agent.path else { return "none".into() };
    let server = match judge::guest_agent(facts) {
        judge::Server::Agent => "the agent's service serves it",
        judge::Server::Other => "left to QEMU-GA",
        judge::Server::Nobody => "not served",
    };
    format!("{}: {server} (it was not opened)", path.display())
}

fn state(facts: &WindowsFacts, one: &AttemptFacts) -> String {
    let host = match one.host_connected {
        Some(true) => "host connected",
        Some(false) => "no host connected",
        None => "host unknown",
    };
    match &one.failure {
        None => format!("can be opened, {host}"),
        Some(_) if judge::is_held_by_agent(facts, one) => "in use by the agent's service".into(),
        Some(outcome) => outcome.to_string(),
    }
}
