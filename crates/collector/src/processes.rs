//! Processes for the wire: which are listed, and what is told of each.

use super::error::CollectError;
use super::host::steady_boot_time;
use super::numbers::{count, counter, figure, rfc3339};
use super::process::details::Cache;
use super::process::query::{Part, ProcessQuery, SortBy, select};
use super::process::table::Table;
use super::process::{Details, Record, status};
use super::sys::Machine;
use infiniservice_protocol::data::ProcessListData;
use infiniservice_protocol::encode::ListBudget;
use infiniservice_protocol::metrics::Process;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Processes whose details are read at once: of so many, no more is held than an answer takes.
const PORTION: usize = 256;

/// The machine's clock at a collection, from which start times are reckoned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Monotonic, of the agent.
    pub mono: Duration,
    /// Seconds since boot.
    pub uptime: u64,
    /// Boot, in seconds since 1970, once it was read.
    pub boot_time: Option<u64>,
}

impl Moment {
    /// Takes the boot time as the kernel reckons it now.
    pub fn note_boot_time(&mut self, read: u64) {
        self.boot_time = Some(steady_boot_time(self.boot_time, read));
    }
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
        let details = known_or_read(&mut self.cache, self.ticks_per_second, machine, &records, moment);
        self.told(machine, &records, details, moment)
    }

    /// The paths of processes' programs, by pid.
    pub fn exe_paths(
        &mut self,
        machine: &mut Machine,
        pids: &HashSet<u32>,
        moment: Moment,
    ) -> HashMap<u32, String> {
        let records: Vec<_> = pids.iter().filter_map(|pid| self.table.find(*pid)).collect();
        let details = known_or_read(&mut self.cache, self.ticks_per_second, machine, &records, moment);
        let paths = records.iter().zip(details).filter_map(|(record, d)| Some((record.pid, d.exe_path?)));
        paths.collect()
    }

    /// Ends a collection.
    pub fn end_round(&mut self, max_entries: usize) {
        self.cache.end_round(max_entries);
    }

    /// What `ProcessList` asks for, of the latest scan; at most `max_bytes` of it, as the wire spells them.
    pub fn query(
        &self,
        machine: &mut Machine,
        moment: Moment,
        query: &ProcessQuery,
        max_bytes: usize,
    ) -> ProcessListData {
        let mut records = self.matching(machine, moment, query.filter.as_deref().unwrap_or_default());
        let total = records.len();
        select(&mut records, query.sort_by, query.limit.unwrap_or(total));
        machine.refresh_users();
        let processes = self.listed(machine, &records, moment, ListBudget::new(max_bytes));
        let cut = (processes.len() < records.len()).then(|| ("processes".to_owned(), records.len() as u64));
        ProcessListData {
            processes,
            count: count(total as u64),
            incomplete: machine.take_unanswered(),
            truncated: cut.into_iter().collect(),
        }
    }

    /// The first that have room: users choose how many processes there are, and how long their arguments. What has no room is not read.
    fn listed(
        &self,
        machine: &mut Machine,
        records: &[&Record],
        moment: Moment,
        mut room: ListBudget,
    ) -> Vec<Process> {
        let mut listed = Vec::new();
        for portion in records.chunks(PORTION) {
            let known = |record: &&Record| self.cache.peek(record, moment.mono).cloned();
            let details = fill(machine, portion, portion.iter().map(known).collect());
            let mut told = self.told(machine, portion, details, moment);
            told.truncate(room.take_all(&told));
            let is_cut = told.len() < portion.len();
            listed.append(&mut told);
            if is_cut {
                break;
            }
        }
        listed
    }

    /// Those whose name or arguments hold `part`. Arguments are read only where the name does not say it, and none is known.
    fn matching(&self, machine: &mut Machine, moment: Moment, part: &str) -> Vec<&Record> {
        let part = Part::new(part);
        let portions = self.table.records().chunks(PORTION);
        portions.flat_map(|portion| self.matching_of(portion, machine, moment, &part)).collect()
    }

    fn matching_of<'a>(
        &self,
        portion: &'a [Record],
        machine: &mut Machine,
        moment: Moment,
        part: &Part,
    ) -> Vec<&'a Record> {
        let known = |record: &Record| self.cache.peek(record, moment.mono)?.cmd_line.as_deref();
        let by_what_is_known = |record: &Record| match known(record) {
            _ if part.is_in(&record.name.text()) => Some(true),
            Some(arguments) => Some(part.is_in(arguments)),
            None if record.is_kernel => Some(false),
            None => None,
        };
        let asked: Vec<_> = portion.iter().filter(|record| by_what_is_known(record).is_none()).collect();
        let mut read = machine.arguments(&asked).into_iter();
        let mut matches = |record: &&Record| {
            by_what_is_known(record)
                .unwrap_or_else(|| read.next().flatten().is_some_and(|arguments| part.is_in(&arguments)))
        };
        portion.iter().filter(|record| matches(record)).collect()
    }

    fn told(
        &self,
        machine: &mut Machine,
        records: &[&Record],
        details: Vec<Details>,
        moment: Moment,
    ) -> Vec<Process> {
        let storage = machine.storage_bytes(records);
        let all = records.iter().zip(details).zip(storage);
        all.map(|((record, details), storage)| self.process(machine, record, details, storage, moment))
            .collect()
    }

    fn start_time(&self, record: &Record, moment: Moment) -> String {
        let boot_time = moment.boot_time.unwrap_or_default();
        rfc3339(boot_time.saturating_add(record.started / self.ticks_per_second))
    }

    fn process(
        &self,
        machine: &Machine,
        record: &Record,
        details: Details,
        storage: Option<(u64, u64)>,
        moment: Moment,
    ) -> Process {
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
            start_time: self.start_time(record, moment),
        }
    }
}

/// The details of each, from the cache or read now and kept.
fn known_or_read(
    cache: &mut Cache,
    ticks_per_second: u64,
    machine: &mut Machine,
    records: &[&Record],
    moment: Moment,
) -> Vec<Details> {
    let known: Vec<_> = records.iter().map(|record| cache.get(record, moment.mono).cloned()).collect();
    let is_new: Vec<_> = known.iter().map(Option::is_none).collect();
    let details = fill(machine, records, known);
    for ((record, details), _) in records.iter().zip(&details).zip(is_new).filter(|(_, is_new)| *is_new) {
        let age = Duration::from_secs(moment.uptime.saturating_sub(record.started / ticks_per_second));
        cache.keep(record, moment.mono, age, details.clone());
    }
    details
}

/// Reads those that are not known.
fn fill(machine: &mut Machine, records: &[&Record], known: Vec<Option<Details>>) -> Vec<Details> {
    let missing: Vec<_> =
        records.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(record, _)| *record).collect();
    let mut read = machine.details(&missing).into_iter();
    known.into_iter().map(|known| known.or_else(|| read.next()).unwrap_or_default()).collect()
}
