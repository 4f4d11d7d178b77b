//! Streams of chosen metrics: what a host subscribes to, and `stream`, by which it comes.

use crate::metrics::{
    Collection, Cpu, Data, Disk, DiskDevice, DiskIo, DiskUsage, Host, LoadAverage, Memory, Network, Port,
    Pressure, Process, Service, System,
};
use serde::{Deserialize, Serialize};

/// Shortest time between two samples, in milliseconds.
pub const MIN_INTERVAL_MS: u64 = 250;
/// Longest time between two samples, in milliseconds.
pub const MAX_INTERVAL_MS: u64 = 3_600_000;
/// Longest lease of a subscription, in seconds; also that of a host that names none.
pub const MAX_LEASE_SECS: u64 = 300;
/// Subscriptions at one time.
pub const MAX_SUBSCRIPTIONS: usize = 8;
/// Share of one core that all streams together may take, in percent.
pub const MAX_CPU_PERCENT: u32 = 1;

/// A group of figures that a host may subscribe to, named by its path in the metrics' `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Field {
    /// Processors.
    Cpu = 1,
    /// Memory and swap.
    Memory = 1 << 1,
    /// Space on file systems.
    DiskUsage = 1 << 2,
    /// Traffic of block devices, together and one by one.
    DiskIo = 1 << 3,
    /// Interfaces.
    Network = 1 << 4,
    /// Seconds since boot.
    Uptime = 1 << 5,
    /// Runnable tasks.
    LoadAverage = 1 << 6,
    /// How long programs waited.
    Pressure = 1 << 7,
    /// Names and versions.
    Host = 1 << 8,
    /// The busiest processes.
    Processes = 1 << 9,
    /// Sockets.
    Ports = 1 << 10,
    /// Services.
    Services = 1 << 11,
}

/// Every field with its name on the wire.
const NAMES: [(Field, &str); 12] = [
    (Field::Cpu, "system.cpu"),
    (Field::Memory, "system.memory"),
    (Field::DiskUsage, "system.disk.usage_stats"),
    (Field::DiskIo, "system.disk.io_stats"),
    (Field::Network, "system.network"),
    (Field::Uptime, "system.uptime_seconds"),
    (Field::LoadAverage, "system.load_average"),
    (Field::Pressure, "system.pressure"),
    (Field::Host, "system.host"),
    (Field::Processes, "processes"),
    (Field::Ports, "ports"),
    (Field::Services, "services"),
];

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields(u16);

impl Fields {
    /// Adds what a name of the wire stands for: a field, or all below it, such as `system`. `false` where it is none.
    pub fn add(&mut self, name: &str) -> bool {
        let below =
            |full: &str| full.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let named = NAMES.iter().filter(|(_, full)| below(full));
        let bits = named.fold(0, |bits, (field, _)| bits | *field as u16);
        self.0 |= bits;
        bits != 0
    }

    /// Whether a field is in it.
    pub const fn has(self, field: Field) -> bool {
        self.0 & field as u16 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same without one.
    #[must_use]
    pub const fn without(self, field: Field) -> Self {
        Self(self.0 & !(field as u16))
    }

    /// Its fields' names, in the order of the metrics.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(field, _)| self.has(*field)).map(|(_, name)| *name)
    }

    /// All names that a host may use, those of groups too.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        ["system", "system.disk"].into_iter().chain(NAMES.iter().map(|(_, name)| *name))
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().fold(0, |bits, field| bits | field as u16))
    }
}

/// `stream`: one sample of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stream {
    /// The subscription's number.
    pub subscription: u64,
    /// From 1; a gap means that samples were left out because the host had not read the earlier ones.
    pub seq: u64,
    /// Time between two samples that the agent can keep. It is longer than requested if shorter times would cost more than
    /// the agent's share of a processor.
    pub effective_interval_ms: u64,
    /// The figures of the chosen fields.
    pub data: StreamData,
    /// How the collection of these fields went.
    #[serde(default)]
    pub collection: Collection,
    /// Set when the line is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// `data` of a `stream`: the metrics' `data` with the chosen fields alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct StreamData {
    /// The machine.
    #[serde(skip_serializing_if = "StreamSystem::is_empty")]
    pub system: StreamSystem,
    /// The busiest by CPU, then by memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<Process>>,
    /// Sockets, listening ones first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
    /// systemd services or Windows services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<Service>>,
}

/// `data.system` of a `stream`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct StreamSystem {
    /// Processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Memory and swap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// File systems and block devices.
    #[serde(skip_serializing_if = "StreamDisk::is_empty")]
    pub disk: StreamDisk,
    /// Interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// Absent on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_average: Option<LoadAverage>,
    /// Absent if the kernel does not measure it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
    /// Names and versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
}

/// `data.system.disk` of a `stream`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct StreamDisk {
    /// One for each file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_stats: Option<Vec<DiskUsage>>,
    /// All block devices together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_stats: Option<DiskIo>,
    /// Each of them, with `io_stats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<DiskDevice>>,
}

impl StreamSystem {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl StreamDisk {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl StreamData {
    /// As metrics, in which what was not chosen is empty.
    pub fn to_data(&self) -> Data {
        let chosen = &self.system;
        let disk = Disk {
            usage_stats: chosen.disk.usage_stats.clone().unwrap_or_default(),
            io_stats: chosen.disk.io_stats.clone().unwrap_or_default(),
            devices: chosen.disk.devices.clone().unwrap_or_default(),
        };
        let system = System {
            cpu: chosen.cpu.clone().unwrap_or_default(),
            memory: chosen.memory.clone().unwrap_or_default(),
            disk,
            network: chosen.network.clone().unwrap_or_default(),
            uptime_seconds: chosen.uptime_seconds.unwrap_or_default(),
            load_average: chosen.load_average.clone(),
            pressure: chosen.pressure.clone(),
            host: chosen.host.clone().unwrap_or_default(),
        };
        Data {
            system,
            processes: self.processes.clone().unwrap_or_default(),
            ports: self.ports.clone().unwrap_or_default(),
            services: self.services.clone().unwrap_or_default(),
            ..Data::default()
        }
    }

    /// The chosen fields of a collection.
    pub fn of(data: &Data, fields: Fields) -> Self {
        Self {
            system: StreamSystem::of(data, fields),
            processes: fields.has(Field::Processes).then(|| data.processes.clone()),
            ports: fields.has(Field::Ports).then(|| data.ports.clone()),
            services: fields.has(Field::Services).then(|| data.services.clone()),
        }
    }
}

impl StreamSystem {
    fn of(data: &Data, fields: Fields) -> Self {
        let system = &data.system;
        let io = fields.has(Field::DiskIo);
        let disk = StreamDisk {
            usage_stats: fields.has(Field::DiskUsage).then(|| system.disk.usage_stats.clone()),
            io_stats: io.then(|| system.disk.io_stats.clone()),
            devices: io.then(|| system.disk.devices.clone()),
        };
        Self {
            cpu: fields.has(Field::Cpu).then(|| system.cpu.clone()),
            memory: fields.has(Field::Memory).then(|| system.memory.clone()),
            disk,
            network: fields.has(Field::Network).then(|| system.network.clone()),
            uptime_seconds: fields.has(Field::Uptime).then_some(system.uptime_seconds),
            load_average: system.load_average.clone().filter(|_| fields.has(Field::LoadAverage)),
            pressure: system.pressure.clone().filter(|_| fields.has(Field::Pressure)),
            host: fields.has(Field::Host).then(|| system.host.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> Fields {
        let mut fields = Fields::default();
        assert!(names.iter().all(|name| fields.add(name)), "{names:?}");
        fields
    }

    #[test]
    fn a_name_stands_for_its_field_and_a_group_for_all_below_it() {
        assert_eq!(fields(&["system.cpu"]).names().collect::<Vec<_>>(), ["system.cpu"]);
        assert_eq!(
            fields(&["system.disk"]).names().collect::<Vec<_>>(),
            ["system.disk.usage_stats", "system.disk.io_stats"]
        );
        assert_eq!(fields(&["system"]).names().count(), 9);
        for wrong in ["", "cpu", "system.cp", "system.", "System.cpu", "process", "system.cpu.seconds"] {
            assert!(!Fields::default().add(wrong), "{wrong}");
        }
    }

    #[test]
    fn only_the_chosen_fields_stand_in_a_sample() {
        let mut data = Data::default();
        data.system.load_average = Some(LoadAverage::default());
        let told = |names: &[&str]| serde_json::to_value(StreamData::of(&data, fields(names))).unwrap();
        assert_eq!(told(&["processes"]), serde_json::json!({"processes": []}));
        let system = told(&["system.memory", "system.disk.usage_stats"]);
        let members: Vec<_> = system["system"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["disk", "memory"]);
    }
}
