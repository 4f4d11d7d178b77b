//! `data` of the actions that keep a machine in order: `Autochecks`, `DiskCleanup`.

use crate::Action;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `overall_health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Health {
    /// Nothing to do.
    #[default]
    Healthy,
    /// Something needs attention.
    Warning,
    /// Something is wrong now.
    Critical,
}

/// `status` of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Everything is in order.
    Passed,
    /// Needs attention.
    Warning,
    /// Something is wrong now.
    Failed,
    /// The check could not run; the message says why.
    #[default]
    Skipped,
}

/// How to repair it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remediation {
    /// For people.
    pub description: String,
    /// The `command_type` of a `SafeCommand`, ready to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Action>,
}

/// One check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// Stable name, such as `disk_space`.
    pub name: String,
    /// The verdict.
    pub status: CheckStatus,
    /// One sentence for people.
    pub message: String,
    /// An object of figures, `{}` at least.
    pub details: Map<String, Value>,
    /// Where one exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<Remediation>,
}

/// `data` of `Autochecks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AutochecksData {
    /// The worst of the checks.
    pub overall_health: Health,
    /// 0 to 100.
    pub score: u32,
    /// All checks, including skipped ones.
    pub checks: Vec<Check>,
}

/// One target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanedTarget {
    /// As in `targets`.
    pub name: String,
    /// Files and links that were, or in a dry run would be, removed.
    pub files_deleted: u64,
    /// In 10^6 bytes.
    #[serde(serialize_with = "crate::number::figure")]
    pub space_cleared_mb: f64,
    /// What could not be removed, and why; at most 20 entries, the last of which counts the rest.
    pub errors: Vec<String>,
    /// Files that were left because they are doubtful or in use, by reason; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftFiles>,
}

/// Files or directories that were left for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftFiles {
    /// `no_base`, `indexed`, `own_rules`, `too_many`, `in_use`, `changed`, …
    pub reason: String,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub example: String,
}

/// `data` of `DiskCleanup`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiskCleanupData {
    /// The requested targets.
    pub targets: Vec<CleanedTarget>,
    /// Of all targets.
    pub files_deleted: u64,
    /// Of all targets, in 10^6 bytes.
    #[serde(serialize_with = "crate::number::figure")]
    pub space_cleared_mb: f64,
    /// Whether this was a dry run, which removes nothing.
    pub dry_run: bool,
}
