//! What `ProcessList` may ask for.

use super::Record;
use std::cmp::Ordering;

/// Order of a list of processes; ties go by pid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Busiest first, then largest.
    #[default]
    Cpu,
    /// Largest first.
    Memory,
    /// Lowest first.
    Pid,
    /// By name, in byte order.
    Name,
}

/// Which processes, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessQuery {
    /// At most so many; all when absent.
    pub limit: Option<usize>,
    /// Order.
    pub sort_by: SortBy,
    /// Part of the name or of the command line, letters in any case.
    pub filter: Option<String>,
}

impl SortBy {
    /// The order of two processes.
    pub fn compare(self, a: &Record, b: &Record) -> Ordering {
        let memory = || b.rss_pages.cmp(&a.rss_pages);
        let order = match self {
            Self::Cpu => b.cpu_percent.total_cmp(&a.cpu_percent).then_with(memory),
            Self::Memory => memory(),
            Self::Pid => Ordering::Equal,
            Self::Name => a.name.bytes().cmp(b.name.bytes()),
        };
        order.then_with(|| a.pid.cmp(&b.pid))
    }
}

/// What a filter looks for, letters in any case.
#[derive(Debug)]
pub struct Part(String);

impl Part {
    /// An empty one is in everything.
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Whether `text` holds it.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_empty() || text.to_lowercase().contains(&self.0)
    }
}

/// The first `limit` of `records` in the order asked for, without sorting those that are left out.
pub fn select(records: &mut Vec<&Record>, sort_by: SortBy, limit: usize) {
    let compare = |a: &&Record, b: &&Record| sort_by.compare(a, b);
    if limit < records.len() {
        records.select_nth_unstable_by(limit, compare);
        records.truncate(limit);
    }
    records.sort_unstable_by(compare);
}

#[cfg(test)]
mod tests {
    use super::super::Name;
    use super::*;
    use proptest::prelude::*;

    fn record(pid: u32, cpu: f32, rss: u64, name: &str) -> Record {
        Record {
            pid,
            ppid: 1,
            started: 0,
            cpu_ticks: 0,
            rss_pages: rss,
            threads: 1,
            cpu_percent: cpu,
            state: b'S',
            is_kernel: false,
            name: Name::new(name.as_bytes()),
        }
    }

    fn pids(sort_by: SortBy, limit: usize) -> Vec<u32> {
        let all =
            [record(4, 0.0, 9, "a"), record(1, 5.0, 1, "d"), record(3, 0.0, 9, "c"), record(2, 5.0, 2, "b")];
        let mut list = all.iter().collect();
        select(&mut list, sort_by, limit);
        list.iter().map(|r| r.pid).collect()
    }

    #[test]
    fn the_busiest_come_first_then_the_largest_then_the_oldest_pid() {
        assert_eq!(pids(SortBy::Cpu, 10), [2, 1, 3, 4]);
        assert_eq!(pids(SortBy::Cpu, 3), [2, 1, 3]);
        assert_eq!(pids(SortBy::Memory, 2), [3, 4]);
        assert_eq!(pids(SortBy::Pid, 9), [1, 2, 3, 4]);
        assert_eq!(pids(SortBy::Name, 4), [4, 2, 3, 1]);
        assert_eq!(pids(SortBy::Cpu, 0), [0u32; 0]);
    }

    #[test]
    fn a_filter_finds_any_part_in_any_case() {
        let holds = |text: &str, part: &str| Part::new(part).is_in(text);
        assert!(holds("/usr/sbin/SSHD -D", "sshd") && holds("dienst-ÄRGER", "ärger"));
        assert!(holds("", "") && !holds("ss", "ssh"));
    }

    proptest! {
        #[test]
        fn a_selection_is_the_beginning_of_the_whole_order(cpus: Vec<u8>, limit in 0usize..20) {
            let all: Vec<_> = (0u32..).zip(&cpus).map(|(pid, cpu)| record(pid, f32::from(*cpu), 0, "")).collect();
            let (mut all, mut some): (Vec<_>, Vec<_>) = (all.iter().collect(), all.iter().collect());
            select(&mut some, SortBy::Cpu, limit);
            all.sort_by(|a, b| SortBy::Cpu.compare(a, b));
            all.truncate(limit);
            prop_assert_eq!(all, some);
        }
    }
}
