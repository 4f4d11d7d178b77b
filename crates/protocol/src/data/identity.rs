//! `data` of what changes who the machine is.

use serde::{Deserialize, Serialize};

/// `data` of `PrepareGoldenImage`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealData {
    /// In the order in which they were made; each was looked at afterwards.
    pub steps: Vec<SealStep>,
    /// When the machine powers off, in seconds from the answer; absent where it stays on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_off_in_secs: Option<u32>,
}

/// One step of sealing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealStep {
    /// `agent_scripts`, `agent_identity`, `machine_id`, `ssh_host_keys`, …
    pub name: String,
    /// Whether it is as it has to be, also where there was nothing to be done.
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
