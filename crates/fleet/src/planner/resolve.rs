//! Asking the hubs which machines an order means.

use super::job::{At, Job};
use super::{Effect, Turn, View};
use crate::message::{Missing, Part, Plan};
use infiniservice_hub_core::job::Outcome;
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a hub's answer may take; after that its machines are absent.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a hub that has not answered is asked again, and when a plan is made again that nobody has confirmed.
const AGAIN: Duration = Duration::from_secs(2);

/// How far it is.
#[derive(Debug)]
pub(super) struct Resolving {
    since: Duration,
    /// When each hub was asked last.
    asked: BTreeMap<String, Duration>,
    parts: BTreeMap<String, Part>,
    /// When the plan was made last.
    made: Option<Duration>,
}

impl Resolving {
    pub(super) fn new(now: Now) -> Self {
        Self { since: now.mono, asked: BTreeMap::new(), parts: BTreeMap::new(), made: None }
    }

    /// The first answer of a hub counts, and none after the plan is made.
    pub(super) fn answered(&mut self, part: Part) {
        if self.made.is_none() {
            self.parts.entry(part.hub.clone()).or_insert(part);
        }
    }

    /// When it is to be looked at again, which it was last at this time.
    pub(super) fn wake(&self, looked: Duration) -> Duration {
        let Some(made) = self.made else {
            let open = self.asked.iter().filter(|(hub, _)| !self.parts.contains_key(*hub));
            let again = open.map(|(_, at)| *at + AGAIN).filter(|at| *at > looked).min();
            return again.unwrap_or(Duration::MAX).min(self.since + PATIENCE);
        };
        made + AGAIN
    }

    /// The hubs that are to be asked now.
    fn due(&mut self, now: Duration, hubs: &BTreeSet<String>) -> Vec<String> {
        let open = hubs.iter().filter(|hub| !self.parts.contains_key(*hub));
        let is_due = |hub: &&String| self.asked.get(*hub).is_none_or(|at| now >= *at + AGAIN);
        let due: Vec<String> = open.filter(is_due).cloned().collect();
        self.asked.extend(due.iter().map(|hub| (hub.clone(), now)));
        due
    }

    fn is_complete(&self, now: Duration, hubs: &BTreeSet<String>) -> bool {
        let all = !hubs.is_empty() && hubs.iter().all(|hub| self.parts.contains_key(hub));
        all || now >= self.since + PATIENCE
    }
}

impl Job {
    pub(super) fn resolve(&mut self, turn: &mut Turn<'_>, hubs: &BTreeSet<String>, view: &impl View) {
        let now = turn.now.mono;
        let At::Resolving(resolving) = &mut self.at else { return };
        if resolving.made.is_none() {
            for hub in resolving.due(now, hubs) {
                let (job, order) = (self.opened.order.id.clone(), self.opened.signed.clone());
                turn.effects.push(Effect::Ask { job, hub, order });
            }
            if !resolving.is_complete(now, hubs) {
                return;
            }
            let silent = hubs.iter().cloned().chain(view.hubs_away());
            let silent: Vec<_> = silent.filter(|hub| !resolving.parts.contains_key(hub)).collect();
            for hub in silent {
                let vms = view.known(&self.opened.order, &hub);
                // A hub that is not there and has nothing that is meant is not missed.
                if !vms.is_empty() || hubs.contains(&hub) {
                    resolving.answered(unheard(&hub, vms));
                }
            }
        }
        if resolving.made.is_none_or(|made| now >= made + AGAIN) {
            resolving.made = Some(now);
            let plan = Plan {
                job: self.opened.order.id.clone(),
                hubs: resolving.parts.keys().cloned().collect(),
                at_ms: turn.now.wall_ms(),
                coordinator: turn.coordinator.to_owned(),
            };
            turn.effects.push(Effect::MakePlan { plan, parts: resolving.parts.values().cloned().collect() });
        }
    }
}

fn unheard(hub: &str, vms: Vec<String>) -> Part {
    let why = "its hub was not heard when the job began".to_owned();
    let missing = Some(Missing { outcome: Outcome::Absent, why, code: None });
    Part { hub: hub.to_owned(), vms, missing }
}
