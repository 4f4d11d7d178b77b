//! Processes for the wire: which are listed, and what is told of each.

use super::error::CollectError;
use super::numbers::{count, counter, figure, rfc3339};
use super::process::details::Cache;
use super::process::files::Details;
use super::process::query::{ProcessQuery, SortBy, contains, select};
use super::process::stat::{Record, status};
use super::process::table::Table;
use super::sys::Machine;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::metrics::Process;
use std::time::Duration;

/// The machine's clock at a collection, from which start times are reckoned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Monotonic, of the agent.
    pub mono: Duration,
    /// Seconds since boot.
    pub uptime: u64,
    /// Boot, in seconds since 1970.
    pub boot_time: u64,
}

/// All processes, and the details of those that were listed lately.
pub struct Processes {
    table: Table,
    cache: Cache,
    ticks_per_second: u64,
    page_kb: u64,
}

impl Processes {
    /// With nothing scanned yet.
    pub fn new() -> Self {
        let ticks_per_second = Machine::ticks_per_second().max(1);
        Self {
            table: Table::new(ticks_per_second),
            cache: Cache::default(),
            ticks_per_second,
            page_kb: Machine::page_kb(),
        }
    }

    /// Reads every process anew.
    pub fn scan(&mut self, machine: &mut Machine, now: Duration) -> Result<(), CollectError> {
        let scanned = machine.scan(self.table.begin());
        self.table.finish(now);
        scanned
    }

    /// All, with what each used of a processor.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The busiest by CPU, then by memory.
    pub fn busiest(&mut self, machine: &mut Machine, moment: Moment, max: usize) -> Vec<Process> {
        let mut records: Vec<_> = self.table.records().iter().collect();
        select(&mut records, SortBy::Cpu, max);
        machine.refresh_users();
        let mut list = Vec::with_capacity(records.len());
        for record in records {
            let age = self.age(record, moment);
            let details = self.cache.get(record, moment.mono, age, || machine.details(record)).clone();
            list.push(self.process(machine, record, details, moment));
        }
        list
    }

    /// The path of a process's program.
    pub fn exe_path(&mut self, machine: &mut Machine, pid: u32, moment: Moment) -> Option<String> {
        let record = self.table.find(pid)?;
        let age = self.age(record, moment);
        self.cache.get(record, moment.mono, age, || machine.details(record)).exe_path.clone()
    }

    /// Ends a collection.
    pub fn end_round(&mut self, max_entries: usize) {
        self.cache.end_round(max_entries);
    }

    /// What `ProcessList` asks for, of the latest scan.
    pub fn query(&self, machine: &mut Machine, moment: Moment, query: &ProcessQuery) -> ProcessListData {
        let mut records = self.matching(machine, query.filter.as_deref().unwrap_or_default());
        let total = records.len();
        select(&mut records, query.sort_by, query.limit.unwrap_or(total));
        machine.refresh_users();
        let processes = records.into_iter().map(|record| {
            let known = self.cache.peek(record, moment.mono).cloned();
            let details = known.unwrap_or_else(|| machine.details(record));
            self.process(machine, record, details, moment)
        });
        ProcessListData { processes: processes.collect(), count: count(total as u64) }
    }

    fn matching(&self, machine: &mut Machine, filter: &str) -> Vec<&Record> {
        let part = filter.as_bytes();
        let mut matches = |record: &&Record| {
            contains(record.name.bytes(), part)
                || machine.arguments(record).is_some_and(|text| contains(text.as_bytes(), part))
        };
        self.table.records().iter().filter(|record| matches(record)).collect()
    }

    fn process(&self, machine: &mut Machine, record: &Record, details: Details, moment: Moment) -> Process {
        let storage = machine.storage_bytes(record.pid);
        Process {
            pid: record.pid,
            ppid: record.ppid,
            name: record.name.text(),
            exe_path: details.exe_path,
            cmd_line: details.cmd_line,
            user: details.user_id.map(|id| machine.user_name(id)),
            cpu_percent: figure(f64::from(record.cpu_percent)),
            memory_kb: counter(record.rss_pages.saturating_mul(self.page_kb)),
            disk_read_bytes: storage.map(|(read, _)| read),
            disk_write_bytes: storage.map(|(_, written)| written),
            threads: record.threads,
            status: status(record.state).into(),
            start_time: rfc3339(moment.boot_time.saturating_add(self.seconds(record.started))),
        }
    }

    fn age(&self, record: &Record, moment: Moment) -> Duration {
        Duration::from_secs(moment.uptime.saturating_sub(self.seconds(record.started)))
    }

    fn seconds(&self, ticks: u64) -> u64 {
        ticks / self.ticks_per_second
    }
}
