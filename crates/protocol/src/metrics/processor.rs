//! `data.system.cpu` and `data.system.memory`.

use crate::number;
use serde::{Deserialize, Serialize};

/// Processors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Cpu {
    /// 0 to 100, of all cores together.
    #[serde(serialize_with = "number::figure")]
    pub usage_percent: f64,
    /// 0 to 100, one for each core.
    #[serde(serialize_with = "number::figures")]
    pub cores_usage: Vec<f64>,
    /// The system's number of each core in `cores_usage`. Absent if these are 0, 1, 2, …; an offline core leaves a gap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub core_ids: Vec<u32>,
    /// Processor time since boot, by mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<CpuSeconds>,
    /// Degrees Celsius, `null` if there is no sensor.
    #[serde(serialize_with = "number::optional")]
    pub temperature: Option<f64>,
}

/// Seconds of all cores together since boot, by mode. The share of a removed core stays. The kernel counts
/// some modes back by a tick now and then (`proc_stat(5)`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct CpuSeconds {
    /// Programs, including those of virtual machines inside this one.
    #[serde(serialize_with = "number::figure")]
    pub user: f64,
    /// Programs of low priority, which are not in `user`; absent on Windows.
    #[serde(serialize_with = "number::optional", skip_serializing_if = "Option::is_none")]
    pub nice: Option<f64>,
    /// The kernel.
    #[serde(serialize_with = "number::figure")]
    pub system: f64,
    /// Nothing.
    #[serde(serialize_with = "number::figure")]
    pub idle: f64,
    /// Nothing, while a task of the core waited for a block device; absent on Windows.
    #[serde(serialize_with = "number::optional", skip_serializing_if = "Option::is_none")]
    pub iowait: Option<f64>,
    /// Interrupts.
    #[serde(serialize_with = "number::figure")]
    pub irq: f64,
    /// Deferred work of interrupts (softirqs; on Windows deferred procedure calls).
    #[serde(serialize_with = "number::figure")]
    pub softirq: f64,
    /// Programs wanted to run, but the hypervisor ran other machines; absent on Windows.
    #[serde(serialize_with = "number::optional", skip_serializing_if = "Option::is_none")]
    pub steal: Option<f64>,
}

/// Memory and swap, in kB.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Memory {
    /// Physical memory.
    pub total_kb: u64,
    /// Total less available.
    pub used_kb: u64,
    /// What programs can still get without swapping.
    pub available_kb: u64,
    /// Part of it: the contents of files. The kernel gives it back when programs need memory, like `buffers_kb`. Shared memory is
    /// included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_kb: Option<u64>,
    /// Block devices' own blocks, such as directories; absent on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffers_kb: Option<u64>,
    /// Processes that the kernel has killed since boot because memory ran out, also in a cgroup; absent on Windows and before
    /// Linux 4.13.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// Swap space.
    pub swap_total_kb: u64,
    /// Swap in use.
    pub swap_used_kb: u64,
}
