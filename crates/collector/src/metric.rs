//! The metrics: one row of [`all`] each.
//!
//! A metric reads through `round.machine` and puts its figures into `round.data`. What is read, and what is computed of it, is
//! in the metric's own file; a metric of one file of `/proc` is there as a whole (`pressure.rs`).

use super::error::CollectError;
use super::memory::oom_kills;
use super::numbers::{Rate, count, rfc3339};
use super::ports::owners::Owners;
use super::processes::Processes;
use super::round::{Metric, Round, Row};
use super::sys::Machine;
use super::{cpu, host, ports, pressure};
use crate::disk::traffic;
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::metrics::{DiskIo, Host, Port};
use std::collections::{HashMap, HashSet};

/// All metrics, in the order in which they are collected: the list of processes needs the boot time, which `cpu` reads,
/// and the uptime; sockets are given to the processes that were listed before.
pub fn all(os: OsInfo) -> Vec<Row> {
    vec![
        ("temperature", Box::new(temperature)),
        ("cpu", Box::new(Processor::default())),
        ("memory", Box::new(memory)),
        ("load_average", Box::new(load_average)),
        ("pressure", Box::new(pressure::collect)),
        ("uptime", Box::new(uptime)),
        ("disk_usage", Box::new(disk_usage)),
        ("disk_io", Box::new(DiskTraffic::default())),
        ("network", Box::new(network)),
        ("host", Box::new(Names::new(os))),
        ("processes", Box::new(busiest)),
        ("ports", Box::new(Sockets::default())),
    ]
}

/// A machine without a sensor has no temperature, which is no failure.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a metric")]
fn temperature(round: &mut Round<'_>) -> Result<(), CollectError> {
    round.data.system.cpu.temperature = round.machine.temperature();
    Ok(())
}

/// Processor usage between two collections.
#[derive(Default)]
struct Processor(Rate<cpu::Sample, cpu::Usage>);

impl Metric for Processor {
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        let sample = round.machine.cpu()?;
        round.moment.note_boot_time(sample.boot_time);
        let unknown = sample.no_usage();
        let seconds = sample.all.seconds(Machine::ticks_per_second(), Machine::HAS_ALL_MODES);
        let usage = self.0.next(round.now.mono, sample, |before, after, _| after.usage_since(before));
        let usage = usage.unwrap_or_else(|| {
            round.warming_up();
            unknown
        });
        round.aged(self.0.age(round.now.mono));
        let cpu = &mut round.data.system.cpu;
        cpu.seconds = Some(seconds);
        (cpu.usage_percent, cpu.cores_usage, cpu.core_ids) = (usage.all, usage.cores, usage.core_ids);
        Ok(())
    }
}

fn memory(round: &mut Round<'_>) -> Result<(), CollectError> {
    round.data.system.memory = round.machine.memory()?;
    match round.machine.proc("vmstat", oom_kills) {
        Ok(kills) => round.data.system.memory.oom_kills = kills.flatten(),
        Err(error) if error.is_not_found() => {}
        Err(error) => round.failed(&error),
    }
    Ok(())
}

/// Windows has none.
fn load_average(round: &mut Round<'_>) -> Result<(), CollectError> {
    round.data.system.load_average = round.machine.proc("loadavg", host::load_average)?;
    Ok(())
}

/// The start times of processes are reckoned from it.
fn uptime(round: &mut Round<'_>) -> Result<(), CollectError> {
    round.moment.uptime = 0;
    round.moment.uptime = round.machine.uptime()?;
    round.data.system.uptime_seconds = round.moment.uptime;
    Ok(())
}

/// Names and versions: only the host's name may change while the machine runs.
struct Names {
    known: Host,
}

impl Names {
    /// What the operating system said at the start.
    fn new(os: OsInfo) -> Self {
        let virtualization = Some(os.virtualization.name()).filter(|name| *name != "none");
        let known = Host {
            hostname: os.hostname,
            os_name: os.release.name,
            os_version: os.release.version_id,
            kernel_version: os.kernel_version,
            architecture: os.architecture,
            boot_time: String::new(),
            machine_id: os.machine_id,
            virtualization: virtualization.map(str::to_owned),
        };
        Self { known }
    }
}

impl Metric for Names {
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        let boot_time = round.moment.boot_time.map(rfc3339).unwrap_or_default();
        round.data.system.host = Host { boot_time, ..self.known.clone() };
        round.data.system.host.hostname = round.machine.hostname()?;
        Ok(())
    }
}

/// A file system that cannot be asked is a failure of its own.
fn disk_usage(round: &mut Round<'_>) -> Result<(), CollectError> {
    let usages = round.machine.disk_usage()?;
    for error in &usages.failed {
        round.failed(error);
    }
    let told = usages.list.len() + usages.failed.len();
    round.listed("file_systems", told.max(usages.asked), usages.total);
    round.data.system.disk.usage_stats = usages.list;
    Ok(())
}

/// Disk counters since boot, and rates between two collections.
#[derive(Default)]
struct DiskTraffic(Rate<Vec<traffic::Device>, DiskIo>);

impl Metric for DiskTraffic {
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        let traffic::Table { devices, unreadable } = round.machine.disk_io()?;
        if unreadable > 0 {
            round.failed(&format!("{unreadable} lines of /proc/diskstats cannot be parsed"));
        }
        let totals = traffic::figures(&devices, None);
        let (told, used) = traffic::each(&devices);
        round.listed("devices", told.len(), used);
        round.data.system.disk.devices = told;
        let rates = self.0.next(round.now.mono, devices, |before, after, elapsed| {
            traffic::figures(after, Some((before.as_slice(), elapsed)))
        });
        let rates = rates.unwrap_or_else(|| {
            round.warming_up();
            DiskIo::default()
        });
        round.aged(self.0.age(round.now.mono));
        let (read_bytes, write_bytes) = (totals.read_bytes, totals.write_bytes);
        round.data.system.disk.io_stats = DiskIo { read_bytes, write_bytes, ..rates };
        Ok(())
    }
}

fn network(round: &mut Round<'_>) -> Result<(), CollectError> {
    let (interfaces, total) = round.machine.interfaces()?;
    round.listed("interfaces", interfaces.len(), total);
    round.data.system.network.interfaces = interfaces;
    Ok(())
}

/// The busiest processes.
fn busiest(round: &mut Round<'_>) -> Result<(), CollectError> {
    let scanned = round.processes.scan(round.machine, round.now.mono);
    if scanned.is_ok() {
        let max = round.settings.max_processes;
        round.data.processes = round.processes.busiest(round.machine, *round.moment, max);
        if !round.processes.table().has_rates() {
            round.warming_up();
        }
    }
    round.listed("processes", round.data.processes.len(), round.processes.table().records().len());
    scanned
}

/// All sockets of the latest dump, and the owners of those that are listed.
#[derive(Default)]
struct Sockets {
    all: Vec<ports::Socket>,
    owners: Owners,
}

impl Metric for Sockets {
    /// Needs the processes that were scanned before it.
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        self.all.clear();
        round.machine.sockets(&mut self.all)?;
        let listed = ports::select(&mut self.all, round.settings.max_ports);
        round.data.ports = self.owned(listed, round);
        round.listed("ports", listed, self.all.len());
        Ok(())
    }
}

impl Sockets {
    /// The first `listed`, with their owners.
    fn owned(&mut self, listed: usize, round: &mut Round<'_>) -> Vec<Port> {
        let Round { machine, processes, moment, .. } = round;
        let listed = self.all.get(..listed).unwrap_or_default();
        let wanted: HashSet<u32> = listed.iter().map(|s| s.inode).filter(|inode| *inode != 0).collect();
        self.owners.resolve(&wanted, processes.table().records(), |records, missing| {
            machine.holders(records, missing)
        });
        let owners: HashSet<u32> = listed.iter().filter_map(|s| self.owners.owner(s.inode)).collect();
        let programs = processes.exe_paths(machine, &owners, **moment);
        let connections = ports::Connections::of(&self.all);
        let port =
            |s: &ports::Socket| port(s, &connections, self.owners.owner(s.inode), processes, &programs);
        listed.iter().map(port).collect()
    }
}

fn port(
    socket: &ports::Socket,
    connections: &ports::Connections,
    pid: Option<u32>,
    processes: &Processes,
    programs: &HashMap<u32, String>,
) -> Port {
    let exe_path = pid.and_then(|pid| programs.get(&pid).cloned());
    let record = pid.and_then(|pid| processes.table().find(pid));
    Port {
        port: socket.port,
        protocol: socket.protocol.name().into(),
        address: socket.address.to_string(),
        state: socket.state_name().into(),
        pid,
        process_name: record.map(|r| r.name.text()),
        exe_path,
        is_listening: socket.is_listening(),
        connection_count: count(connections.on_port_of(socket) as u64),
    }
}
