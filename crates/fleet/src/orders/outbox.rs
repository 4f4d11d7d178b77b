//! Results that the engine has not confirmed. The ledger holds them; here is only which they are.

use super::local;
use crate::message::TargetResult;
use crate::planner::GRACE_MS;
use infiniservice_hub_core::job::{Job, Planner};
use infiniservice_hub_core::ledger::Record;
use infiniservice_protocol::clock::Now;
use std::collections::{HashMap, VecDeque};

/// A machine of a hub's job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The hub's job.
    pub job: String,
    /// The machine's place in it.
    pub target: u32,
}

/// Results on their way to the engine.
#[derive(Debug, Default)]
pub struct Outbox {
    due: VecDeque<Key>,
    /// Which were told of, by their jobs and places.
    told: HashMap<String, Vec<bool>>,
}

impl Outbox {
    /// After a start of the hub: all results of orders whose coordinators may still wait. The engine knows by their ids those that
    /// it has.
    pub fn after_start(now: Now, jobs: &Planner) -> Self {
        let mut outbox = Self::default();
        let waits = |job: &&Job| {
            let accepted = &job.accepted;
            let until = accepted.not_after.saturating_add(accepted.patience_secs * 1000 + GRACE_MS);
            until >= now.wall_ms()
        };
        jobs.jobs().filter(waits).for_each(|job| outbox.look(job));
        outbox
    }

    /// The ledger was written: what has ended by these records is to be published.
    pub fn recorded(&mut self, records: &[Record], jobs: &Planner) {
        for record in records {
            match record {
                Record::Ended { job, target, .. } => self.put(job, *target, jobs),
                Record::Accepted(_) | Record::Added { .. } | Record::Rest { .. } => {
                    if let Some(job) = jobs.job(record.job()) {
                        self.look(job);
                    }
                }
                Record::Forgotten { job } => {
                    self.told.remove(job);
                }
                Record::Sent { .. } | Record::Back { .. } | Record::Cancelled { .. } => {}
            }
        }
    }

    fn put(&mut self, job: &str, target: u32, jobs: &Planner) {
        if let Some(job) = jobs.job(job).filter(|job| is_ordered(job)) {
            self.tell(job, target as usize);
        }
    }

    fn look(&mut self, job: &Job) {
        if is_ordered(job) {
            for (n, _) in job.targets().iter().enumerate().filter(|(_, target)| target.outcome().is_some()) {
                self.tell(job, n);
            }
        }
    }

    fn tell(&mut self, job: &Job, n: usize) {
        let told = self.told.entry(job.id().to_owned()).or_insert_with(|| vec![false; job.targets().len()]);
        // It may have grown meanwhile.
        told.resize(job.targets().len(), false);
        let Some(told) = told.get_mut(n).filter(|told| !**told) else { return };
        *told = true;
        let target = u32::try_from(n).unwrap_or(u32::MAX);
        self.due.push_back(Key { job: job.id().to_owned(), target });
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// The next that is to be published; if that fails, it is to be given [`Self::back`].
    pub fn next(&mut self, hub: &str, jobs: &Planner) -> Option<(Key, TargetResult)> {
        loop {
            let key = self.due.pop_front()?;
            let result = jobs.job(&key.job).and_then(|job| local::result(hub, job, key.target as usize));
            // What the ledger has forgotten, nobody waits for.
            if let Some(result) = result {
                return Some((key, result));
            }
        }
    }

    /// It was not confirmed.
    pub fn back(&mut self, key: Key) {
        self.due.push_front(key);
    }
}

/// Whether an operator's order began it.
fn is_ordered(job: &Job) -> bool {
    local::Local::parse(job.id()).is_some() && job.accepted.actor.starts_with("operator:")
}
