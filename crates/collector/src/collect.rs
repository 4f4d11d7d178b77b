//! One collection of all metrics, and the list of processes that a host may ask for beside it.

use super::apart::{Apart, Sampled};
use super::error::CollectError;
use super::metric::all;
use super::process::query::ProcessQuery;
use super::processes::{Moment, Processes};
use super::round::{Round, Row};
use super::settings::CollectorSettings;
use super::sys::Machine;
use infiniservice_platform::clock::Now;
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::metrics::{Collection, Data};
use infiniservice_protocol::stream::Fields;
use std::path::Path;
use std::time::Instant;

/// Collects, and keeps from one collection to the next what the rates and the caches need.
pub struct Collector {
    settings: CollectorSettings,
    machine: Machine,
    metrics: Vec<Row>,
    processes: Processes,
    moment: Moment,
    os: OsInfo,
    apart: Apart,
}

impl Collector {
    /// Reads nothing but what never changes: the operating system's name and version.
    pub fn new(settings: CollectorSettings) -> Self {
        let os = settings.os.clone().unwrap_or_else(|| OsInfo::detect(Path::new("/")));
        Self {
            machine: Machine::new(&settings),
            metrics: all(os.clone()),
            os,
            apart: Apart::default(),
            processes: Processes::new(),
            moment: Moment::default(),
            settings,
        }
    }

    /// Other bounds, from the next collection on. Where the machine's files lie stays, and so do rates and caches.
    pub fn set_bounds(&mut self, settings: CollectorSettings) {
        self.machine.set_bounds(&settings);
        self.settings = settings;
    }

    /// Everything but services, which the service manager tells. Blocks for some milliseconds; network file systems
    /// that hang cost at most `network_mount_timeout`, once.
    pub fn collect(&mut self, now: Now) -> (Data, Collection) {
        let started = Instant::now();
        let Self { settings, machine, metrics, processes, moment, apart, .. } = self;
        apart.round_ended();
        let mut round = Round::new(now, machine, processes, moment, settings);
        round.run(metrics);
        let Round { data, mut report, .. } = round;
        self.processes.end_round(2 * self.settings.max_processes);
        for error in self.machine.take_unanswered() {
            report.failed("processes", &error);
        }
        (data, report.finish(started.elapsed()))
    }

    /// What these fields need, for streams. The rates of [`Self::collect`] do not notice.
    pub fn sample(&mut self, now: Now, fields: Fields) -> Sampled {
        let Self { settings, machine, os, apart, .. } = self;
        apart.sample(now, fields, (machine, settings, os))
    }

    /// `ProcessList`: all processes, or those asked for. Two calls in short order share their CPU figures.
    pub fn query_processes(
        &mut self,
        now: Now,
        query: &ProcessQuery,
    ) -> Result<ProcessListData, CollectError> {
        if self.moment.boot_time.is_none() {
            let sample = self.machine.cpu()?;
            self.moment.note_boot_time(sample.boot_time);
        }
        self.moment.mono = now.mono;
        self.moment.uptime = self.machine.uptime()?;
        self.processes.scan(&mut self.machine, now.mono)?;
        let max_bytes = self.settings.max_list_bytes;
        Ok(self.processes.query(&mut self.machine, self.moment, query, max_bytes))
    }
}
