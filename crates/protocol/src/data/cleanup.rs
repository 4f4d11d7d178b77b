//! `data` of `DiskCleanup`.

use serde::{Deserialize, Serialize};

/// One target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanedTarget {
    /// As in `targets`.
    pub name: String,
    /// Files and links that were, or in a dry run would be, removed.
    pub files_deleted: u64,
    /// In 10^6 bytes.
    #[serde(serialize_with = "crate::finite::figure")]
    pub space_cleared_mb: f64,
    /// What could not be removed, and why; at most 20, of which the last counts the rest.
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
    #[serde(serialize_with = "crate::finite::figure")]
    pub space_cleared_mb: f64,
    /// Whether this was a dry run, which removes nothing.
    pub dry_run: bool,
}
