//! Which jobs are kept: running ones, and finished ones while they are young and few.

use super::super::{Job, KEPT_MS, MAX_ALL_RESULT_BYTES, MAX_ALL_TARGETS, MAX_JOBS};
use super::Planner;
use crate::ledger::Record;
use infiniservice_protocol::clock::Now;

impl Planner {
    /// Forgets finished jobs that are too old or too many.
    pub(super) fn retire(&mut self, now: Now) {
        let wall = now.wall_ms();
        let is_old = |job: &&Job| job.finished_at().is_some_and(|at| wall.saturating_sub(at) >= KEPT_MS);
        let old: Vec<_> = self.jobs.values().filter(is_old).map(|job| job.id().to_owned()).collect();
        for job in old {
            self.put(now, Record::Forgotten { job });
        }
        self.forget(now, MAX_JOBS, MAX_ALL_TARGETS);
    }

    /// Forgets the oldest finished jobs until no more than so many are left, with so many machines, and their answers fit.
    pub(super) fn forget(&mut self, now: Now, most: usize, most_targets: usize) {
        let mut bytes: usize = self.jobs.values().map(Job::result_bytes).sum();
        let mut targets = self.all_targets();
        while self.jobs.len() > most || targets > most_targets || bytes > MAX_ALL_RESULT_BYTES {
            let finished = self.jobs.values().filter_map(|job| Some((job.finished_at()?, job)));
            let Some((_, oldest)) = finished.min_by_key(|(at, _)| *at) else { return };
            bytes -= oldest.result_bytes();
            targets -= oldest.targets().len();
            let job = oldest.id().to_owned();
            self.put(now, Record::Forgotten { job });
        }
    }

    /// Machines of all jobs.
    pub(super) fn all_targets(&self) -> usize {
        self.jobs.values().map(|job| job.targets().len()).sum()
    }
}
