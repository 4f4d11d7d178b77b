//! Linux: `/proc`, `/sys` and netlink; everything that is asked of the machine, behind one type.

mod disks;
mod files;
mod interfaces;
mod netlink;
mod process_file;
mod processes;
mod sockets;

pub use disks::space_of;
pub use interfaces::links_and_addresses;

use crate::disk::probe::Probes;
use crate::disk::traffic::{self, Table};
use crate::disk::{Space, Usages};
use crate::error::CollectError;
use crate::ports::Socket;
use crate::process::{Details, Record};
use crate::settings::CollectorSettings;
use crate::temperature::{chip_rank, parse, zone_rank};
use crate::{cpu, host, memory};
use disks::Blocks;
use files::Tree;
use infiniservice_platform::linux::accounts::Names;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_protocol::metrics::{Interface, Memory};
use netlink::Netlink;
use processes::ProcessFiles;
use std::collections::HashSet;
use std::time::SystemTime;

/// The machine, with what is kept open and cached from one collection to the next.
pub struct Machine {
    settings: CollectorSettings,
    proc: Tree,
    sys: Tree,
    etc: Tree,
    route: Netlink,
    sock_diag: Netlink,
    probes: Probes<Option<Space>>,
    blocks: Blocks,
    processes: ProcessFiles,
    sensors: Sensors,
    users: Names,
    users_of: Option<SystemTime>,
}

impl Machine {
    /// The kernel tells processor time in every mode of [`cpu::Times`].
    pub const HAS_ALL_MODES: bool = true;

    /// Opens nothing yet: each failure belongs to the figures that it costs.
    pub fn new(settings: &CollectorSettings) -> Self {
        let roots = &settings.roots;
        Self {
            proc: Tree::new(&roots.proc),
            sys: Tree::new(&roots.sys),
            etc: Tree::new(&roots.etc),
            route: Netlink::new(None),
            sock_diag: Netlink::new(Some(rustix::net::netlink::SOCK_DIAG)),
            probes: disks::probes(),
            blocks: Blocks::new(&roots.sys),
            processes: ProcessFiles::new(&roots.proc),
            sensors: Sensors::default(),
            users: Names::default(),
            users_of: None,
            settings: settings.clone(),
        }
    }

    /// Other bounds, from the next figures on.
    pub fn set_bounds(&mut self, settings: &CollectorSettings) {
        self.settings = settings.clone();
    }

    /// Clock ticks in a second, in which the kernel tells processor time.
    pub fn ticks_per_second() -> u64 {
        rustix::param::clock_ticks_per_second()
    }

    /// Pages in kB.
    pub fn page_kb() -> u64 {
        rustix::param::page_size() as u64 / 1024
    }

    /// Processor time and boot time.
    pub fn cpu(&mut self) -> Result<cpu::Sample, CollectError> {
        self.proc.parse("stat", cpu::parse)
    }

    /// Degrees Celsius.
    pub fn temperature(&mut self) -> Option<f64> {
        self.sensors.processor(&mut self.sys)
    }

    /// Memory and swap.
    pub fn memory(&mut self) -> Result<Memory, CollectError> {
        let memory = self.proc.parse("meminfo", memory::parse)?;
        match self.proc.read("spl/kstat/zfs/arcstats") {
            Ok(arc) => Ok(memory::with_arc(memory, arc)),
            // ZFS is not loaded.
            Err(error) if error.is_not_found() => Ok(memory),
            Err(error) => Err(error),
        }
    }

    /// File systems.
    pub fn disk_usage(&mut self) -> Result<Usages, CollectError> {
        let (max, deadline) = (self.settings.max_file_systems, self.settings.network_mount_timeout);
        disks::usages(&mut self.proc, &mut self.probes, max, deadline)
    }

    /// Counters of block devices.
    pub fn disk_io(&mut self) -> Result<Table, CollectError> {
        let table = traffic::parse(self.proc.read("diskstats")?);
        let topology = self.blocks.of(&table.devices);
        Ok(Table { devices: traffic::counted(table.devices, topology), ..table })
    }

    /// Interfaces in order, and how many there are in all.
    pub fn interfaces(&mut self) -> Result<(Vec<Interface>, usize), CollectError> {
        interfaces::interfaces(&mut self.route, &mut self.sys, self.settings.max_interfaces)
    }

    /// Seconds since boot.
    pub fn uptime(&mut self) -> Result<u64, CollectError> {
        self.proc.parse("uptime", host::uptime)
    }

    /// Reads a file of `/proc`, where the system has one.
    pub fn proc<T>(
        &mut self,
        file: &str,
        parser: impl FnOnce(&[u8]) -> Result<T, ParseError>,
    ) -> Result<Option<T>, CollectError> {
        self.proc.parse(file, parser).map(Some)
    }

    /// The host's name.
    pub fn hostname(&mut self) -> Result<String, CollectError> {
        self.proc
            .read("sys/kernel/hostname")
            .map(|text| infiniservice_platform::linux::text::printable(text.trim_ascii(), 256))
    }

    /// Appends every process.
    pub fn scan(&mut self, records: &mut Vec<Record>) -> Result<(), CollectError> {
        self.processes.scan(records)
    }

    /// What is told of listed processes and changes seldom, in order.
    pub fn details(&mut self, records: &[&Record]) -> Vec<Details> {
        self.processes.details(records, self.settings.max_cmd_line_bytes)
    }

    /// Arguments alone, for a search.
    pub fn arguments(&mut self, records: &[&Record]) -> Vec<Option<String>> {
        self.processes.arguments(records, self.settings.max_cmd_line_bytes)
    }

    /// Bytes read from and written to storage by processes.
    pub fn storage_bytes(&mut self, records: &[&Record]) -> Vec<Option<(u64, u64)>> {
        self.processes.storage_bytes(records)
    }

    /// What of processes did not answer since this was last asked.
    pub fn take_unanswered(&mut self) -> Vec<String> {
        self.processes.take_unanswered()
    }

    /// Appends every socket of TCP and UDP.
    pub fn sockets(&mut self, all: &mut Vec<Socket>) -> Result<(), CollectError> {
        sockets::sockets(&mut self.sock_diag, &mut self.proc, all)
    }

    /// Which of the sockets that are wanted, by their inodes, which process holds: inode and pid.
    pub fn holders(&mut self, records: &[&Record], wanted: HashSet<u32>) -> Vec<(u32, u32)> {
        self.processes.holders(records, wanted)
    }

    /// A user's name; `/etc/passwd` is read again when it was changed.
    pub fn refresh_users(&mut self) {
        let changed = std::fs::metadata(self.etc.path("passwd")).and_then(|m| m.modified()).ok();
        if changed != self.users_of || changed.is_none() {
            self.users = self.etc.read("passwd").map(Names::parse).unwrap_or_default();
            self.users_of = changed;
        }
    }

    /// A user's name, or the number where none is known yet.
    pub fn user_name(&self, id: u32) -> String {
        let known = self.users.name(id).map(str::to_owned);
        known.or_else(|| self.settings.user_names.name(id)).unwrap_or_else(|| id.to_string())
    }
}

/// The sensor found, kept as long as it answers; a machine without one is looked over again each time, which is two
/// directories that are not there.
#[derive(Debug, Default)]
pub struct Sensors {
    found: Option<String>,
}

impl Sensors {
    /// Degrees Celsius, where there is a sensor.
    pub fn processor(&mut self, sys: &mut Tree) -> Option<f64> {
        if let Some(known) = self.found.as_deref().and_then(|file| read_sensor(sys, file)) {
            return Some(known);
        }
        self.found = find_sensor(sys);
        self.found.as_deref().and_then(|file| read_sensor(sys, file))
    }
}

fn read_sensor(sys: &mut Tree, file: &str) -> Option<f64> {
    sys.read(file).ok().and_then(parse)
}

/// The best sensor that answers.
fn find_sensor(sys: &mut Tree) -> Option<String> {
    let chips = sensor_candidates(sys, "class/hwmon", "name", "temp1_input", chip_rank);
    let zones = sensor_candidates(sys, "class/thermal", "type", "temp", zone_rank);
    let mut all: Vec<_> = chips.into_iter().chain(zones).collect();
    all.sort();
    all.into_iter().map(|(_, file)| file).find(|file| read_sensor(sys, file).is_some())
}

fn sensor_candidates(
    sys: &mut Tree,
    class: &str,
    label: &str,
    value: &str,
    rank: fn(&str) -> Option<usize>,
) -> Vec<(usize, String)> {
    let Ok(entries) = std::fs::read_dir(sys.path(class)) else { return Vec::new() };
    let names: Vec<_> =
        entries.flatten().take(256).filter_map(|e| e.file_name().into_string().ok()).collect();
    let ranked = names.into_iter().filter_map(|name| {
        let text = sys.read(&format!("{class}/{name}/{label}")).ok()?;
        let rank = rank(std::str::from_utf8(text).ok()?)?;
        Some((rank, format!("{class}/{name}/{value}")))
    });
    ranked.collect()
}
