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
    /// What could not be removed, and why; at most 20, the last then counts the rest.
    pub errors: Vec<String>,
}

/// `data` of `DiskCleanup`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiskCleanupData {
    /// Each of those asked for.
    pub targets: Vec<CleanedTarget>,
    /// Of all targets.
    pub files_deleted: u64,
    /// Of all targets, in 10^6 bytes.
    #[serde(serialize_with = "crate::finite::figure")]
    pub space_cleared_mb: f64,
    /// Whether nothing was removed in truth.
    pub dry_run: bool,
}
