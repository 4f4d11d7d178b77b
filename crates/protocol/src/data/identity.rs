//! `data` of what changes who the machine is.

use serde::{Deserialize, Serialize};

/// `data` of `PrepareGoldenImage`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealData {
    /// In the order in which they were tried. The result of each was checked.
    pub steps: Vec<SealStep>,
    /// Seconds from the answer until the machine powers off; absent if it stays on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_off_in_secs: Option<u32>,
}

/// One step of sealing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealStep {
    /// `agent_scripts`, `agent_identity`, `machine_id`, `ssh_host_keys`, …
    pub name: String,
    /// Whether the result is as required, even if there was nothing to do.
    pub ok: bool,
    /// What was done, or what is wrong.
    pub message: String,
}

/// `data` of `JoinDomain`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinDomainData {
    /// The domain that the machine belongs to now.
    pub domain: String,
    /// Its name there.
    pub computer_name: String,
    /// Whether it is a member only after its next start.
    pub reboot_required: bool,
    /// Whether it restarts now, a few seconds after the answer.
    pub restart_scheduled: bool,
}
