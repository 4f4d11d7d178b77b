//! The judgement over the facts: usable or not, why, and what to do; as text and as JSON.

use super::facts::Facts;
use super::{assess, findings, printable, text};
use serde::Serialize;
use std::path::PathBuf;

/// How much a finding matters; the order of the variants is the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Keeps the channel from working.
    Error,
    /// Works, but not as it should, or nobody is at the other end.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name for programs.
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub problem: String,
    /// What to do, a line each.
    pub fix: Vec<String>,
}

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
        let channel = assess::channel(&facts);
        let mut findings = findings::all(&facts, channel);
        findings.sort_by_key(|finding| finding.severity);
        Self {
            agent_version: infiniservice_platform::AGENT_VERSION,
            usable: channel.is_some(),
            verdict: assess::verdict(channel, &findings),
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
        text::render(self)
    }

    /// For programs: one JSON object, indented.
    pub fn to_json(&self) -> String {
        // Fails only for maps without text keys, of which there are none.
        printable::json(&serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
