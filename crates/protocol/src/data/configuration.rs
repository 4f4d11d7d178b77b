//! `data` of what concerns the agent's own configuration.

use serde::{Deserialize, Serialize};

/// `data` of `ConfigReload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigReloadData {
    /// Names of the settings whose new values are in force now; empty if none had changed.
    pub applied: Vec<String>,
    /// Settings whose values in the configuration differ from those in force.
    pub waiting: Vec<WaitingSetting>,
}

/// A setting that takes its new value when the agent is started again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitingSetting {
    /// Its name.
    pub setting: String,
    /// Why it waits.
    pub reason: String,
}
