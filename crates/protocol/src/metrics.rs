//! `system_metrics`: what the agent measures, with its units.
//!
//! kB are 1024 bytes, GB are 10^9 bytes. Numbers are never negative, NaN or infinite; pids and counts fit
//! 31 bits, byte counters 53 bits.

mod disk;
mod plugins;
mod pressure;
mod processor;

pub use disk::{Disk, DiskDevice, DiskIo, DiskUsage};
pub use plugins::{Plugin, Series, SeriesType};
pub use pressure::{Pressure, Stall, Stalls};
pub use processor::{Cpu, CpuSeconds, Memory};

use super::number;
use crate::trace::Trace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `system_metrics`, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct SystemMetrics {
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The `id` of the `Metrics` request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The package's version.
    pub agent_version: String,
    /// The figures.
    pub data: Data,
    /// How the collection went.
    pub collection: Collection,
    /// Where the time went, for a request with a `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<Trace>>,
}

/// How one collection went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Collection {
    /// Wall time.
    pub duration_ms: u64,
    /// Seconds to the next collection, if the agent adapts the time (`adaptive_collection`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_secs: Option<u64>,
    /// Collectors whose figures are missing or not yet meaningful.
    pub failed: Vec<FailedCollector>,
    /// For each list that was cut: its full length.
    pub truncated: BTreeMap<String, u32>,
    /// For each collector whose figures are older than this collection: their age in milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub age_ms: BTreeMap<String, u64>,
}

/// A collector without figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct FailedCollector {
    /// Its name: `cpu`, `disk`, `processes`, …
    pub collector: String,
    /// Why; `warming_up` while a rate waits for its second sample.
    pub error: String,
}

/// `data`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Data {
    /// The machine.
    pub system: System,
    /// The busiest by CPU, then by memory.
    pub processes: Vec<Process>,
    /// Sockets, listening ones first.
    pub ports: Vec<Port>,
    /// systemd services or Windows services.
    pub services: Vec<Service>,
    /// Results of plugins and `*.prom` files by name; absent if there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plugins: BTreeMap<String, Plugin>,
}

/// `data.system`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct System {
    /// Processors.
    pub cpu: Cpu,
    /// Memory and swap.
    pub memory: Memory,
    /// File systems and block devices.
    pub disk: Disk,
    /// Interfaces.
    pub network: Network,
    /// Since boot.
    pub uptime_seconds: u64,
    /// `null` on Windows.
    pub load_average: Option<LoadAverage>,
    /// How long programs had to wait; absent if the kernel does not measure it, as on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
    /// Names and versions.
    pub host: Host,
}

/// Interfaces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Network {
    /// The one with the default route first; loopback, containers' interfaces and bridges last.
    pub interfaces: Vec<Interface>,
}

/// One network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Interface {
    /// `eth0`.
    pub name: String,
    /// `52:54:00:12:34:56`; empty if there is none.
    pub mac_address: String,
    /// Administratively up with a carrier.
    pub is_up: bool,
    /// Without prefix length.
    pub ip_addresses: Vec<String>,
    /// Bytes.
    pub mtu: u32,
    /// If the driver reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_mbps: Option<u32>,
    /// Since boot.
    pub bytes_received: u64,
    /// Since boot.
    pub bytes_sent: u64,
    /// Since boot.
    pub packets_received: u64,
    /// Since boot.
    pub packets_sent: u64,
    /// Since boot.
    pub errors_in: u64,
    /// Since boot.
    pub errors_out: u64,
    /// Since boot.
    pub drops_in: u64,
    /// Since boot.
    pub drops_out: u64,
}

/// Runnable and uninterruptible tasks, averaged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct LoadAverage {
    /// Over one minute.
    #[serde(serialize_with = "number::figure")]
    pub load_1min: f64,
    /// Over five minutes.
    #[serde(serialize_with = "number::figure")]
    pub load_5min: f64,
    /// Over fifteen minutes.
    #[serde(serialize_with = "number::figure")]
    pub load_15min: f64,
}

/// Names and versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Host {
    /// Short or full, as the kernel has it.
    pub hostname: String,
    /// `Debian GNU/Linux`.
    pub os_name: String,
    /// `12`.
    pub os_version: String,
    /// `uname -r`, or the Windows build.
    pub kernel_version: String,
    /// `x86_64`.
    pub architecture: String,
    /// RFC 3339.
    pub boot_time: String,
    /// systemd machine id or Windows `MachineGuid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// `kvm`, `qemu`, `vmware`, …, as systemd-detect-virt names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Parent, 0 for none.
    pub ppid: u32,
    /// As the kernel has it.
    pub name: String,
    /// Executable, where it may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe_path: Option<String>,
    /// Arguments joined by blanks, cut at 4096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd_line: Option<String>,
    /// Login name, or the number if no name is known. For a user that is not in `/etc/passwd`, the first answer may have
    /// the number, because the agent asks for the name in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Of one core.
    #[serde(serialize_with = "number::figure")]
    pub cpu_percent: f64,
    /// Resident set.
    pub memory_kb: u64,
    /// Since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_read_bytes: Option<u64>,
    /// Since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_write_bytes: Option<u64>,
    /// How many.
    pub threads: u32,
    /// `running`, `sleeping`, `disk_sleep`, `stopped`, `zombie`, `idle`.
    pub status: String,
    /// RFC 3339.
    pub start_time: String,
}

/// One socket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Port {
    /// Local port.
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Local address.
    pub address: String,
    /// `LISTEN`, `ESTABLISHED`, …
    pub state: String,
    /// Owner, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Owner, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_name: Option<String>,
    /// Owner, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe_path: Option<String>,
    /// A TCP listener or a bound UDP socket without a peer.
    pub is_listening: bool,
    /// Established connections on this port.
    pub connection_count: u32,
}

/// One service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Service {
    /// `ssh.service`.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `running`, `stopped`, `failed`, …
    pub state: String,
    /// `enabled`, `disabled`, `static`, … or `auto`, `manual`.
    pub start_type: String,
    /// `simple`, `notify`, `oneshot`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_type: Option<String>,
    /// The program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe_path: Option<String>,
    /// Main process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Units that it requires.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
}
