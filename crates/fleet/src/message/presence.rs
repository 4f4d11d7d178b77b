//! Which hubs and machines are there, as they stand in the engine's buckets.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A hub. Its entry vanishes 30 s after it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubPresence {
    /// Its name.
    pub hub: String,
    /// Since when it runs, in milliseconds since 1970.
    pub since_ms: u64,
    /// Its version.
    pub version: String,
    /// How many machines it has.
    pub vms: u32,
    /// How many of them are connected.
    pub connected: u32,
    /// When this was written, in milliseconds since 1970.
    pub at_ms: u64,
    /// `hub`, or `coordinator` where it may be one.
    pub role: String,
    /// Whether it tells the figures of its machines as they come.
    #[serde(default)]
    pub live: bool,
}

/// A machine, as its hub sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VmPresence {
    /// The hub.
    pub hub: String,
    /// The machine.
    pub vm: String,
    /// Since when this hub has it, in milliseconds since 1970.
    pub since_ms: u64,
    /// The state's name, as the hub's API has it.
    pub state: String,
    /// What the guest says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// See `os`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// See `os`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// See `os`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// From the hub's configuration and from the guest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The load of the last five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load5: Option<f64>,
    /// Of a hundred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_percent: Option<f64>,
    /// Of a hundred, of the file system that is fullest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullest_disk_percent: Option<f64>,
    /// When this was written, in milliseconds since 1970.
    pub at_ms: u64,
}
