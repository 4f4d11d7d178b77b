//! Results of a fleet's orders on their way to the engine, and what wakes who tells them. A hub of no fleet has none.

use super::clock;
use infiniservice_fleet::TargetResult;
use infiniservice_fleet::orders::{Key, Outbox};
use infiniservice_hub_core::Planner;
use infiniservice_hub_core::ledger::Record;
use std::rc::Rc;
use tokio::sync::Notify;

/// What waits.
#[derive(Default)]
pub(super) struct Outgoing {
    outbox: Option<Outbox>,
    news: Rc<Notify>,
}

impl Outgoing {
    /// The hub is of a fleet: all that somebody may still wait for is told, again or for the first time.
    pub(super) fn start(&mut self, jobs: &Planner) -> Rc<Notify> {
        self.outbox = Some(Outbox::after_start(clock::now(), jobs));
        Rc::clone(&self.news)
    }

    /// These were recorded.
    pub(super) fn recorded(&mut self, records: &[Record], jobs: &Planner) {
        let Some(outbox) = &mut self.outbox else { return };
        outbox.recorded(records, jobs);
        if !outbox.is_empty() {
            self.news.notify_one();
        }
    }

    /// The next that are to be told, at most so many.
    pub(super) fn next(&mut self, hub: &str, jobs: &Planner, most: usize) -> Vec<(Key, TargetResult)> {
        let outbox = &mut self.outbox;
        let next = || outbox.as_mut()?.next(hub, jobs);
        std::iter::from_fn(next).take(most).collect()
    }

    /// They could not be told.
    pub(super) fn back(&mut self, keys: Vec<Key>) {
        if let Some(outbox) = &mut self.outbox {
            keys.into_iter().rev().for_each(|key| outbox.back(key));
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.outbox.as_ref().map_or(0, Outbox::len)
    }
}
