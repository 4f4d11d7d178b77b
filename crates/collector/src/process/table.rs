//! All processes at the latest scan, and what each used of a processor since the one before.

use super::Record;
use std::time::Duration;

/// Two scans nearer than this share their rates: a tick of 10 ms would weigh too much.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// What is kept of a process from one scan to the next.
#[derive(Clone, Copy, Debug)]
struct Mark {
    pid: u32,
    started: u64,
    cpu_ticks: u64,
    cpu_percent: f32,
}

/// Every process, by pid. Two buffers that are used again and again: a scan allocates nothing once they have grown.
#[derive(Debug)]
pub struct Table {
    records: Vec<Record>,
    marks: Vec<Mark>,
    marked_at: Option<Duration>,
    has_rates: bool,
    ticks_per_second: f64,
}

impl Table {
    /// With the length of a clock tick, `sysconf(_SC_CLK_TCK)`.
    pub fn new(ticks_per_second: u64) -> Self {
        Self {
            records: Vec::new(),
            marks: Vec::new(),
            marked_at: None,
            has_rates: false,
            ticks_per_second: ticks_per_second.max(1) as f64,
        }
    }

    /// An empty list to scan into.
    pub fn begin(&mut self) -> &mut Vec<Record> {
        self.records.clear();
        &mut self.records
    }

    /// Takes what was scanned at `now` (monotonic) and reckons each one's share of a core.
    pub fn finish(&mut self, now: Duration) {
        self.records.sort_unstable_by_key(|r| r.pid);
        self.records.dedup_by_key(|r| r.pid);
        let elapsed = self.marked_at.map(|at| now.saturating_sub(at));
        match elapsed {
            Some(elapsed) if elapsed < MIN_INTERVAL => self.each_with_mark(|record, mark| {
                record.cpu_percent = mark.map_or(0.0, |m| m.cpu_percent);
            }),
            Some(elapsed) => {
                let ticks = elapsed.as_secs_f64() * self.ticks_per_second;
                self.each_with_mark(|record, mark| record.cpu_percent = share(record, mark, ticks));
                self.has_rates = true;
                self.mark(now);
            }
            None => self.mark(now),
        }
    }

    /// Whether shares of a core are known yet.
    pub fn has_rates(&self) -> bool {
        self.has_rates
    }

    /// All, by pid.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The process of this pid.
    pub fn find(&self, pid: u32) -> Option<&Record> {
        self.records.binary_search_by_key(&pid, |r| r.pid).ok().and_then(|at| self.records.get(at))
    }

    /// Both lists are sorted by pid: one pass.
    fn each_with_mark(&mut self, mut f: impl FnMut(&mut Record, Option<&Mark>)) {
        let mut marks = self.marks.iter().peekable();
        for record in &mut self.records {
            while marks.next_if(|mark| mark.pid < record.pid).is_some() {}
            f(
                record,
                marks.peek().copied().filter(|mark| mark.pid == record.pid && mark.started == record.started),
            );
        }
    }

    fn mark(&mut self, now: Duration) {
        self.marks.clear();
        self.marks.extend(self.records.iter().map(|r| Mark {
            pid: r.pid,
            started: r.started,
            cpu_ticks: r.cpu_ticks,
            cpu_percent: r.cpu_percent,
        }));
        self.marked_at = Some(now);
    }
}

/// A process that began after the last scan counts from 0.
fn share(record: &Record, mark: Option<&Mark>, ticks: f64) -> f32 {
    let used = record.cpu_ticks.saturating_sub(mark.map_or(0, |m| m.cpu_ticks));
    let percent = used as f64 / ticks * 100.0;
    if percent.is_finite() { percent as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::Name;
    use super::*;

    fn record(pid: u32, started: u64, cpu_ticks: u64) -> Record {
        Record {
            pid,
            ppid: 1,
            started,
            cpu_ticks,
            rss_pages: 1,
            threads: 1,
            cpu_percent: 0.0,
            state: b'S',
            is_kernel: false,
            name: Name::new(b"x"),
        }
    }

    fn scan(table: &mut Table, at_ms: u64, records: &[Record]) -> Vec<f32> {
        table.begin().extend_from_slice(records);
        table.finish(Duration::from_millis(at_ms));
        table.records().iter().map(|r| r.cpu_percent).collect()
    }

    #[test]
    fn a_share_is_of_one_core_between_two_scans() {
        let mut table = Table::new(100);
        assert_eq!(scan(&mut table, 0, &[record(1, 0, 500), record(2, 0, 0)]), [0.0, 0.0]);
        assert!(!table.has_rates());
        assert_eq!(scan(&mut table, 2000, &[record(1, 0, 600), record(2, 0, 400)]), [50.0, 200.0]);
        assert!(table.has_rates());
    }

    #[test]
    fn a_later_process_of_the_same_pid_counts_from_its_own_beginning() {
        let mut table = Table::new(100);
        scan(&mut table, 0, &[record(7, 10, 5000)]);
        assert_eq!(scan(&mut table, 1000, &[record(7, 90, 20)]), [20.0]);
    }

    #[test]
    fn scans_close_together_keep_the_last_shares() {
        let mut table = Table::new(100);
        scan(&mut table, 0, &[record(1, 0, 0)]);
        scan(&mut table, 1000, &[record(1, 0, 30)]);
        assert_eq!(scan(&mut table, 1001, &[record(1, 0, 31), record(2, 100, 1)]), [30.0, 0.0]);
        assert_eq!(scan(&mut table, 2000, &[record(1, 0, 40), record(2, 100, 50)]), [10.0, 50.0]);
    }

    #[test]
    fn the_order_of_the_scan_does_not_matter_and_a_pid_is_listed_once() {
        let mut table = Table::new(100);
        scan(&mut table, 0, &[record(9, 0, 1), record(3, 0, 1), record(9, 0, 1)]);
        assert_eq!(table.records().iter().map(|r| r.pid).collect::<Vec<_>>(), [3, 9]);
        assert!(table.find(9).is_some() && table.find(4).is_none());
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_infinite_share() {
        let mut table = Table::new(0);
        scan(&mut table, 5, &[record(1, 0, 0)]);
        assert_eq!(scan(&mut table, 5, &[record(1, 0, 9)]), [0.0]);
    }
}
