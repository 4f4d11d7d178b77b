//! `data.system.pressure`: how long programs waited, as the kernel counts it in `/proc/pressure`.

use crate::number;
use serde::{Deserialize, Serialize};

/// Pressure Stall Information of Linux: how long programs had to wait for a resource that others used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Pressure {
    /// For a processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Stalls>,
    /// For memory: page faults of evicted pages, reclaim and swapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Stalls>,
    /// For a block device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io: Option<Stalls>,
}

/// Waiting for one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Stalls {
    /// At least one task waited.
    pub some: Stall,
    /// All tasks that were not idle waited at once. For `cpu` absent before Linux 5.13, and always 0 since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<Stall>,
}

/// Shares of the time in percent, as averages, and the time itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Stall {
    /// Over ten seconds, 0 to 100.
    #[serde(serialize_with = "number::figure")]
    pub avg10: f64,
    /// Over one minute, 0 to 100.
    #[serde(serialize_with = "number::figure")]
    pub avg60: f64,
    /// Over five minutes, 0 to 100.
    #[serde(serialize_with = "number::figure")]
    pub avg300: f64,
    /// Microseconds since boot.
    pub total_us: u64,
}
