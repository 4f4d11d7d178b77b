//! One thing that is not as it should be, and the words that findings and the report share.

use super::facts::{Holder, PortFacts};
use serde::Serialize;

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

/// The path that people know.
pub fn shown(port: &PortFacts) -> String {
    port.link.as_ref().unwrap_or(&port.node).display().to_string()
}
