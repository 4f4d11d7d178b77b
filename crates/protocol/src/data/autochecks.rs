//! `data` of `Autochecks`.

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
    /// The check could not be made; the message says why.
    #[default]
    Skipped,
}

/// How to put it right.
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
