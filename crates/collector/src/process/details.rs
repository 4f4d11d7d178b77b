//! The details of listed processes, kept by (pid, start time), so that only what changed is read again.
//!
//! A process may call exec or change its user without changing pid or start time. So an entry is read again when
//! the name changed, while the process is young, and after ten minutes.

use super::{Details, Name, Record};
use std::collections::HashMap;
use std::time::Duration;

/// A process younger than this may still exec or drop its privileges.
const SETTLING: Duration = Duration::from_secs(30);
/// Every entry is read again after this time.
const MAX_AGE: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Entry {
    details: Details,
    name: Name,
    read_at: Duration,
    settled: bool,
    used_in: u64,
}

/// The cache.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<(u32, u64), Entry>,
    round: u64,
}

impl Cache {
    /// The details of `record`, where they are known.
    pub fn get(&mut self, record: &Record, now: Duration) -> Option<&Details> {
        let entry = self.entries.get_mut(&(record.pid, record.started))?;
        entry.used_in = self.round;
        entry.is_fresh(record, now).then_some(&entry.details)
    }

    /// Keeps what was read. `age` is how long the process has run.
    pub fn keep(&mut self, record: &Record, now: Duration, age: Duration, details: Details) {
        let settled = age >= SETTLING && !details.unanswered;
        let entry = Entry { details, name: record.name, read_at: now, settled, used_in: self.round };
        self.entries.insert((record.pid, record.started), entry);
    }

    /// The details of `record` where they are known, for lists too long to be kept.
    pub fn peek(&self, record: &Record, now: Duration) -> Option<&Details> {
        let entry = self.entries.get(&(record.pid, record.started));
        entry.filter(|entry| entry.is_fresh(record, now)).map(|entry| &entry.details)
    }

    /// Ends a collection. Above `max_entries` all that it did not ask for are forgotten; below, a process at the
    /// edge of the list is not read again each time it comes back.
    pub fn end_round(&mut self, max_entries: usize) {
        let round = self.round;
        if self.entries.len() > max_entries {
            self.entries.retain(|_, entry| entry.used_in == round);
        }
        self.round += 1;
    }
}

impl Entry {
    fn is_fresh(&self, record: &Record, now: Duration) -> bool {
        self.settled && self.name == record.name && now.saturating_sub(self.read_at) < MAX_AGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pid: u32, started: u64, name: &str) -> Record {
        Record {
            pid,
            ppid: 1,
            started,
            cpu_ticks: 0,
            rss_pages: 1,
            threads: 1,
            cpu_percent: 0.0,
            state: b'S',
            is_kernel: false,
            name: Name::new(name.as_bytes()),
        }
    }

    /// Whether the cache read anew at `now` seconds, of a process that is `age` seconds old.
    fn reads(cache: &mut Cache, record: &Record, now: u64, age: u64) -> bool {
        let reads = cache.get(record, Duration::from_secs(now)).is_none();
        if reads {
            cache.keep(record, Duration::from_secs(now), Duration::from_secs(age), Details::default());
        }
        reads
    }

    #[test]
    fn a_settled_process_is_read_once() {
        let (mut cache, init) = (Cache::default(), record(1, 0, "init"));
        assert!(reads(&mut cache, &init, 0, 1000));
        assert!(!reads(&mut cache, &init, 30, 1030));
    }

    #[test]
    fn what_did_not_answer_is_read_again() {
        let (mut cache, init) = (Cache::default(), record(1, 0, "init"));
        let part = Details { unanswered: true, ..Details::default() };
        cache.keep(&init, Duration::ZERO, Duration::from_secs(1000), part);
        assert!(reads(&mut cache, &init, 30, 1030) && !reads(&mut cache, &init, 60, 1060));
    }

    #[test]
    fn a_young_process_is_read_again_as_it_may_exec_or_change_its_user() {
        let (mut cache, young) = (Cache::default(), record(5, 0, "sshd"));
        assert!(reads(&mut cache, &young, 0, 1) && reads(&mut cache, &young, 2, 3));
        assert!(reads(&mut cache, &young, 40, 41) && !reads(&mut cache, &young, 70, 71));
    }

    #[test]
    fn a_new_name_another_start_and_old_age_each_mean_reading_again() {
        let mut cache = Cache::default();
        assert!(reads(&mut cache, &record(5, 7, "sh"), 0, 100));
        assert!(reads(&mut cache, &record(5, 7, "sleep"), 1, 101));
        assert!(reads(&mut cache, &record(5, 8, "sleep"), 1, 101));
        assert!(reads(&mut cache, &record(5, 8, "sleep"), 1 + 600, 701));
    }

    #[test]
    fn the_cache_is_bounded_by_forgetting_what_was_not_asked_for() {
        let mut cache = Cache::default();
        for pid in 0..10 {
            reads(&mut cache, &record(pid, 0, "x"), 0, 100);
        }
        cache.end_round(20);
        reads(&mut cache, &record(3, 0, "x"), 1, 101);
        cache.end_round(5);
        assert_eq!(cache.entries.len(), 1);
        assert!(!reads(&mut cache, &record(3, 0, "x"), 2, 102));
    }
}
