//! `data` of what tells about the past.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `data` of `UpdateHistory`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateHistoryData {
    /// The newest first.
    pub updates: Vec<UpdateHistoryEntry>,
    /// How many there are before `limit`, as far as the log was read.
    pub count: u32,
    /// The tool that keeps the history: `dpkg`, `dnf`, `zypper` or `windows_update`.
    pub source: String,
    /// What was not read, and why; absent if nothing is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// Original length of the list, where the line had no room for all of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}

/// One change of what is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateHistoryEntry {
    /// RFC 3339 on Windows. Linux's logs have the guest's local time, so it has no offset: `2026-11-30T03:31:40`.
    pub time: String,
    /// `install`, `upgrade`, `downgrade`, `reinstall`, `remove`, `purge`, or `change` for several; on Windows `install` or `remove`.
    pub operation: String,
    /// For people: package and version, dnf's command line, or as Windows Update shows it.
    pub title: String,
    /// As the package manager names it; absent if an entry is about several packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Absent if it was not installed or is not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_before: Option<String>,
    /// Absent if it was removed or is not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_after: Option<String>,
    /// `KB5034441`; Windows only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kb_article: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `Succeeded`, `SucceededWithErrors`, `Failed`, `Aborted` or `InProgress`.
    pub result: String,
    /// Of one that failed, the HRESULT with its meaning; Windows only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_code: Option<String>,
}
