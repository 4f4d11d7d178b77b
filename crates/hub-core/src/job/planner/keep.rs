//! Which jobs are kept: running ones, and finished ones while they are young and few. The parts of a fleet's orders are kept
//! until their time is over: until then the same order may come again, and its machines must be known.

use super::super::{Job, KEPT_MS, MAX_ALL_REQUEST_BYTES, MAX_ALL_RESULT_BYTES, MAX_ALL_TARGETS, MAX_JOBS};
use super::Planner;
use crate::ledger::Record;
use crate::policy::OPERATOR;
use infiniservice_protocol::clock::Now;

/// What jobs may need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// How many they may be.
    pub jobs: usize,
    /// Their machines.
    pub targets: usize,
    /// Their messages and selectors, in bytes.
    pub bytes: usize,
}

impl Planner {
    /// Forgets finished jobs that are too old or too many.
    pub(super) fn retire(&mut self, now: Now) {
        let wall = now.wall_ms();
        let is_old = |job: &&Job| job.finished_at().is_some_and(|at| wall.saturating_sub(at) >= KEPT_MS);
        let old: Vec<_> = self.jobs.values().filter(is_old).map(|job| job.id().to_owned()).collect();
        for job in old {
            self.put(now, Record::Forgotten { job });
        }
        self.forget(now, Room { jobs: MAX_JOBS, targets: MAX_ALL_TARGETS, bytes: MAX_ALL_REQUEST_BYTES });
    }

    /// Forgets the oldest finished jobs until what is left needs no more than this room, and its answers fit.
    pub(super) fn forget(&mut self, now: Now, room: Room) {
        let mut results = self.all_results();
        let (mut targets, mut bytes) = (self.all_targets(), self.all_bytes());
        while self.jobs.len() > room.jobs
            || targets > room.targets
            || bytes > room.bytes
            || results > MAX_ALL_RESULT_BYTES
        {
            let may_go = self.jobs.values().filter(|job| !may_come_again(job, now));
            let finished = may_go.filter_map(|job| Some((job.finished_at()?, job)));
            let Some((_, oldest)) = finished.min_by_key(|(at, _)| *at) else { return };
            results -= oldest.result_bytes();
            targets -= oldest.targets().len();
            bytes -= oldest.request_bytes();
            let job = oldest.id().to_owned();
            self.put(now, Record::Forgotten { job });
        }
    }

    /// Answers of all jobs, in bytes.
    pub(super) fn all_results(&self) -> usize {
        self.jobs.values().map(Job::result_bytes).sum()
    }

    /// Messages and selectors of all jobs, in bytes.
    pub(super) fn all_bytes(&self) -> usize {
        self.jobs.values().map(Job::request_bytes).sum()
    }

    /// Machines of all jobs.
    pub(super) fn all_targets(&self) -> usize {
        self.jobs.values().map(|job| job.targets().len()).sum()
    }
}

/// Whether whoever ordered it may do so again, with the same signature.
fn may_come_again(job: &Job, now: Now) -> bool {
    job.accepted.actor.starts_with(OPERATOR) && now.wall_ms() < job.accepted.not_after
}
