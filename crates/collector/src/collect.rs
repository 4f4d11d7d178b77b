//! One collection: each metric in turn, each failure its own.

use super::cpu;
use super::disk::io::{self, Device, Table};
use super::error::CollectError;
use super::host::steady_boot_time;
use super::numbers::rfc3339;
use super::process::query::ProcessQuery;
use super::processes::{Moment, Processes};
use super::rate::Rate;
use super::report::{Report, WARMING_UP};
use super::settings::CollectorSettings;
use super::sockets::Sockets;
use super::sys::Machine;
use infiniservice_platform::clock::Now;
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::metrics::{
    Collection, Cpu, Data, Disk, DiskIo, DiskUsage, Host, Network, Port, Process, System,
};
use std::path::Path;
use std::time::{Duration, Instant};

/// Collects, and keeps from one collection to the next what the rates and the caches need.
pub struct Collector {
    settings: CollectorSettings,
    machine: Machine,
    host: Host,
    cpu: Rate<cpu::Sample, cpu::Usage>,
    disk_io: Rate<Vec<Device>, DiskIo>,
    processes: Processes,
    sockets: Sockets,
    moment: Moment,
    boot_time: Option<u64>,
}

impl Collector {
    /// Reads nothing but what never changes: the operating system's name and version.
    pub fn new(settings: CollectorSettings) -> Self {
        let os = settings.os.clone().unwrap_or_else(|| OsInfo::detect(Path::new("/")));
        Self {
            machine: Machine::new(&settings),
            host: host(os),
            cpu: Rate::default(),
            disk_io: Rate::default(),
            processes: Processes::new(),
            sockets: Sockets::default(),
            moment: Moment::default(),
            boot_time: None,
            settings,
        }
    }

    /// Everything but services, which the service manager tells. Blocks for some milliseconds; network file systems
    /// that hang cost at most `network_mount_timeout`, once.
    pub fn collect(&mut self, now: Now) -> (Data, Collection) {
        let started = Instant::now();
        let mut report = Report::default();
        let system = self.system(now, &mut report);
        let processes = self.processes(now, &mut report);
        let ports = self.ports(&mut report);
        self.processes.end_round(2 * self.settings.max_processes);
        for error in self.machine.take_unanswered() {
            report.failed("processes", &error);
        }
        let data = Data { system, processes, ports, services: Vec::new() };
        (data, report.finish(started.elapsed()))
    }

    /// `ProcessList`: all processes, or those asked for. Two calls in short order share their CPU figures.
    pub fn query_processes(
        &mut self,
        now: Now,
        query: &ProcessQuery,
    ) -> Result<ProcessListData, CollectError> {
        if self.boot_time.is_none() {
            let sample = self.machine.cpu()?;
            self.note_boot_time(sample.boot_time);
        }
        self.moment.mono = now.mono;
        self.moment.uptime = self.machine.uptime()?;
        self.processes.scan(&mut self.machine, now.mono)?;
        Ok(self.processes.query(&mut self.machine, self.moment, query))
    }

    fn system(&mut self, now: Now, report: &mut Report) -> System {
        let cpu = self.cpu(now.mono, report);
        let machine = &mut self.machine;
        let memory = report.attempt("memory", || machine.memory()).unwrap_or_default();
        let load_average = report.attempt("load_average", || machine.load_average()).flatten();
        let uptime_seconds = report.attempt("uptime", || machine.uptime()).unwrap_or_default();
        (self.moment.mono, self.moment.uptime) = (now.mono, uptime_seconds);
        let usage_stats = self.disk_usage(report);
        let disk = Disk { usage_stats, io_stats: self.disk_io(now.mono, report) };
        let network = self.network(report);
        System { cpu, memory, disk, network, uptime_seconds, load_average, host: self.host(report) }
    }

    fn cpu(&mut self, now: Duration, report: &mut Report) -> Cpu {
        let machine = &mut self.machine;
        let temperature =
            report.attempt("temperature", || Ok::<_, CollectError>(machine.temperature())).flatten();
        let Some(sample) = report.attempt("cpu", || machine.cpu()) else {
            return Cpu { temperature, ..Cpu::default() };
        };
        self.note_boot_time(sample.boot_time);
        let unknown = sample.no_usage();
        let usage = self.cpu.next(now, sample, |before, after, _| after.usage_since(before));
        let usage = usage.unwrap_or_else(|| {
            report.failed("cpu", &WARMING_UP);
            unknown
        });
        Cpu { usage_percent: usage.all, cores_usage: usage.cores, core_ids: usage.core_ids, temperature }
    }

    fn disk_usage(&mut self, report: &mut Report) -> Vec<DiskUsage> {
        let machine = &mut self.machine;
        let usages = report.attempt("disk_usage", || machine.disk_usage()).unwrap_or_default();
        for error in &usages.failed {
            report.failed("disk_usage", error);
        }
        let told = usages.list.len() + usages.failed.len();
        report.listed("file_systems", told.max(usages.asked), usages.total);
        usages.list
    }

    fn disk_io(&mut self, now: Duration, report: &mut Report) -> DiskIo {
        let machine = &mut self.machine;
        let Some(Table { devices, unreadable }) = report.attempt("disk_io", || machine.disk_io()) else {
            return DiskIo::default();
        };
        if unreadable > 0 {
            report.failed("disk_io", &format!("{unreadable} lines of /proc/diskstats cannot be parsed"));
        }
        let totals = io::figures(&devices, None);
        let rates = self.disk_io.next(now, devices, |before, after, elapsed| {
            io::figures(after, Some((before.as_slice(), elapsed)))
        });
        let rates = rates.unwrap_or_else(|| {
            report.failed("disk_io", &WARMING_UP);
            DiskIo::default()
        });
        DiskIo { read_bytes: totals.read_bytes, write_bytes: totals.write_bytes, ..rates }
    }

    fn network(&mut self, report: &mut Report) -> Network {
        let machine = &mut self.machine;
        let (interfaces, total) = report.attempt("network", || machine.interfaces()).unwrap_or_default();
        report.listed("interfaces", interfaces.len(), total);
        Network { interfaces }
    }

    fn host(&mut self, report: &mut Report) -> Host {
        let machine = &mut self.machine;
        let hostname =
            report.attempt("host", || machine.hostname()).unwrap_or_else(|| self.host.hostname.clone());
        let boot_time = self.boot_time.map(rfc3339).unwrap_or_default();
        Host { hostname, boot_time, ..self.host.clone() }
    }

    fn processes(&mut self, now: Now, report: &mut Report) -> Vec<Process> {
        let (machine, processes) = (&mut self.machine, &mut self.processes);
        let (moment, max) = (self.moment, self.settings.max_processes);
        let list = report.attempt("processes", || {
            processes.scan(machine, now.mono)?;
            Ok::<_, CollectError>(processes.busiest(machine, moment, max))
        });
        if list.is_some() && !self.processes.table().has_rates() {
            report.failed("processes", &WARMING_UP);
        }
        let list = list.unwrap_or_default();
        report.listed("processes", list.len(), self.processes.table().records().len());
        list
    }

    fn ports(&mut self, report: &mut Report) -> Vec<Port> {
        let Self { machine, processes, sockets, moment, settings, .. } = self;
        let (ports, total) = report
            .attempt("ports", || sockets.collect(machine, processes, *moment, settings.max_ports))
            .unwrap_or_default();
        report.listed("ports", ports.len(), total);
        ports
    }

    fn note_boot_time(&mut self, read: u64) {
        let steady = steady_boot_time(self.boot_time, read);
        (self.boot_time, self.moment.boot_time) = (Some(steady), steady);
    }
}

/// What never changes while the machine runs.
fn host(os: OsInfo) -> Host {
    let virtualization = Some(os.virtualization.name()).filter(|name| *name != "none");
    Host {
        hostname: os.hostname,
        os_name: os.release.name,
        os_version: os.release.version_id,
        kernel_version: os.kernel_version,
        architecture: os.architecture,
        boot_time: String::new(),
        machine_id: os.machine_id,
        virtualization: virtualization.map(str::to_owned),
    }
}
