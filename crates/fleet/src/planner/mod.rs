//! The coordinator: asks the hubs which machines an order means, makes the plan, and lets the machines begin, wave by wave.
//!
//! What it decides follows from the order, its plan, the results and the time, so that another coordinator goes on where this
//! one ended. It does not know what its predecessor had sent and not heard of; it sends that again, first and in the plan's
//! order, and the hubs begin each machine once. Thereby no more machines run at one time than the order allows, also while
//! two coordinators are at work, as long as no hub is away.

mod effect;
mod job;
mod plan;
mod resolve;
mod run;
mod send;
mod settle;
#[cfg(test)]
mod tests;

pub use effect::{Effect, Told, View};
pub use job::{GRACE_MS, Job};

use run::There;

use crate::message::{Control, Part, Plan, Resolved, TargetResult};
use crate::sign::{Opened, Signed};
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Jobs that a coordinator has at one time; what comes beyond waits in its bucket.
pub const MAX_JOBS: usize = 64;

/// All jobs of a coordinator.
#[derive(Debug)]
pub struct Planner {
    /// This run of this hub, as its commands name it.
    coordinator: String,
    jobs: BTreeMap<String, Job>,
    /// The hubs that are there.
    hubs: BTreeSet<String>,
    effects: Vec<Effect>,
}

impl Planner {
    /// A coordinator of this name. Whoever gets the lease is another one each time, with another name.
    pub fn new(coordinator: &str) -> Self {
        Self {
            coordinator: coordinator.to_owned(),
            jobs: BTreeMap::new(),
            hubs: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    /// One job.
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// All jobs, by their ids.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// Whether one more job may be given.
    pub fn has_room(&self) -> bool {
        self.jobs.len() < MAX_JOBS
    }

    /// There is an order, of which this coordinator has written [`crate::Progress::claim`]. If it has a plan already,
    /// [`Self::planned`] must follow before the next [`Self::turn`].
    pub fn order(&mut self, now: Now, opened: Opened) {
        let id = opened.order.id.clone();
        self.jobs.entry(id).or_insert_with(|| Job::new(now, opened));
    }

    /// A job need not be looked at any more: its last progress stands where it belongs, or its order is gone.
    pub fn forget(&mut self, id: &str) {
        self.jobs.remove(id);
    }

    /// A hub is there, for the first time or again.
    pub fn hub_back(&mut self, now: Now, hub: &str) {
        if self.hubs.insert(hub.to_owned()) {
            self.jobs.values_mut().for_each(|job| job.hub_back(now, hub));
        }
    }

    /// A hub was not heard for too long.
    pub fn hub_gone(&mut self, hub: &str) {
        if self.hubs.remove(hub) {
            self.jobs.values_mut().for_each(|job| job.hub_gone(hub));
        }
    }

    /// A hub says which machines it has.
    pub fn resolved(&mut self, id: &str, resolved: Resolved) {
        if let Some(job) = self.jobs.get_mut(id) {
            job.resolved(Part { hub: resolved.hub, vms: resolved.vms, missing: None });
        }
    }

    /// A hub will not.
    pub fn refused(&mut self, id: &str, hub: &str, why: &str, code: &str, view: &impl View) {
        if let Some(job) = self.jobs.get_mut(id) {
            job.refused(hub, why, code, view);
        }
    }

    /// The plan that stands: this coordinator's or another's; with all results that there are.
    pub fn planned<'a>(
        &mut self,
        now: Now,
        plan: &Plan,
        parts: Vec<Part>,
        results: impl IntoIterator<Item = &'a TargetResult>,
    ) {
        let Some(job) = self.jobs.get_mut(&plan.job) else { return };
        let there = There { hubs: &self.hubs, inherited: plan.coordinator != self.coordinator };
        if job.planned(now, parts, &there) {
            for result in results {
                job.result(result, &mut self.effects);
            }
        }
    }

    /// A result came, perhaps not for the first time.
    pub fn result(&mut self, result: &TargetResult) {
        if let Some(job) = self.jobs.get_mut(&result.job) {
            job.result(result, &mut self.effects);
        }
    }

    /// An operator who may do so wants it otherwise. An older word than the last changes nothing.
    pub fn control(&mut self, control: Control, signed: Signed) {
        if let Some(job) = self.jobs.get_mut(&control.job) {
            job.control(control, signed);
        }
    }

    /// Something has happened, or time has passed: decides what is to be done. Without a lease nothing is; it must be given as it
    /// was when it was asked for last, by the monotonic clock.
    pub fn turn(&mut self, now: Now, leased_until: Duration, view: &impl View) {
        if now.mono >= leased_until {
            return;
        }
        for job in self.jobs.values_mut() {
            let mut turn = Turn { now, coordinator: &self.coordinator, effects: &mut self.effects };
            job.turn(&mut turn, &self.hubs, view);
        }
    }

    /// When [`Self::turn`] is to be called even if nothing happens, by the monotonic clock.
    pub fn wake(&self) -> Option<Duration> {
        self.jobs.values().map(Job::wake).min()
    }

    /// What is to be done, in this order. It is taken away with this.
    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

/// What one turn of a job needs.
struct Turn<'a> {
    now: Now,
    coordinator: &'a str,
    effects: &'a mut Vec<Effect>,
}
