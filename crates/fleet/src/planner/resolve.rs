//! Which machines an order means: what hubs were asked, and what they have answered.

use crate::message::{Missing, Part};
use infiniservice_hub_core::job::Outcome;
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a hub's answer may take; after that its machines are absent.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a hub that has not answered is asked again, and when a plan is made again that nobody has confirmed.
pub(super) const AGAIN: Duration = Duration::from_secs(2);

/// How far it is.
#[derive(Debug)]
pub(super) struct Resolving {
    since: Duration,
    /// When each hub was asked last.
    asked: BTreeMap<String, Duration>,
    pub(super) parts: BTreeMap<String, Part>,
    /// When the plan was made last.
    pub(super) made: Option<Duration>,
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
    pub(super) fn due(&mut self, now: Duration, hubs: &BTreeSet<String>) -> Vec<String> {
        let open = hubs.iter().filter(|hub| !self.parts.contains_key(*hub));
        let is_due = |hub: &&String| self.asked.get(*hub).is_none_or(|at| now >= *at + AGAIN);
        let due: Vec<String> = open.filter(is_due).cloned().collect();
        self.asked.extend(due.iter().map(|hub| (hub.clone(), now)));
        due
    }

    pub(super) fn is_complete(&self, now: Duration, hubs: &BTreeSet<String>) -> bool {
        let all = !hubs.is_empty() && hubs.iter().all(|hub| self.parts.contains_key(hub));
        all || now >= self.since + PATIENCE
    }
}

pub(super) fn unheard(hub: &str, vms: Vec<String>) -> Part {
    let why = "its hub was not heard when the job began".to_owned();
    let missing = Some(Missing { outcome: Outcome::Absent, why, code: None });
    Part { hub: hub.to_owned(), vms, missing }
}
