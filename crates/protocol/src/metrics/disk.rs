//! `data.system.disk`.

use crate::number;
use serde::{Deserialize, Serialize};

/// File systems and block devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Disk {
    /// One for each file system.
    pub usage_stats: Vec<DiskUsage>,
    /// All block devices together.
    pub io_stats: DiskIo,
    /// Each block device that was used since boot, by name; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DiskDevice>,
}

/// One mounted file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DiskUsage {
    /// Where it is mounted.
    pub mount_point: String,
    /// What is mounted.
    pub device: String,
    /// Its type.
    pub filesystem: String,
    /// Size.
    #[serde(serialize_with = "number::gigabytes")]
    pub total_gb: f64,
    /// In use.
    #[serde(serialize_with = "number::gigabytes")]
    pub used_gb: f64,
    /// What an ordinary user can still write.
    #[serde(serialize_with = "number::gigabytes")]
    pub available_gb: f64,
    /// Where the file system counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inodes_total: Option<u64>,
    /// Where the file system counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inodes_used: Option<u64>,
}

/// Block device traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DiskIo {
    /// Rate between the last two samples.
    #[serde(serialize_with = "number::figure")]
    pub read_bytes_per_sec: f64,
    /// Rate between the last two samples.
    #[serde(serialize_with = "number::figure")]
    pub write_bytes_per_sec: f64,
    /// Rate between the last two samples.
    #[serde(serialize_with = "number::figure")]
    pub read_ops_per_sec: f64,
    /// Rate between the last two samples.
    #[serde(serialize_with = "number::figure")]
    pub write_ops_per_sec: f64,
    /// Cumulative since boot.
    #[serde(rename = "readBytes")]
    pub read_bytes: u64,
    /// Cumulative since boot.
    #[serde(rename = "writeBytes")]
    pub write_bytes: u64,
    /// Share of the time in which the busiest device was busy, 0 to 100.
    #[serde(serialize_with = "number::figure")]
    pub io_utilization_percent: f64,
}

/// One block device's counters since boot. Partitions and devices on top of others are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DiskDevice {
    /// `vda`, or `PhysicalDrive0` on Windows.
    pub name: String,
    /// Completed reads.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Completed writes.
    pub writes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Milliseconds in which it was busy.
    pub busy_ms: u64,
}
