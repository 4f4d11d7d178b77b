//! Hubs, coordinators, an operator and an engine in simulated time, and what holds at each moment.

use super::book::{Book, Ordered};
use super::coordinator::{Around, Coordinator};
use super::engine::{Engine, Seen};
use super::hub::Hub;
use super::rng::Rng;
use crate::at_ms;
use crate::message::{Stage, What, text};
use crate::planner::GRACE_MS;
use crate::subject::{JobKey, NOWHERE, job_key};
use infiniservice_hub_core::job::Outcome;
use infiniservice_protocol::clock::Now;
use serde_json::json;
use std::collections::BTreeSet;

/// How long a job may stay open after its last moment while somebody could end it, in milliseconds: a lease that runs out, a
/// coordinator that begins, and the next try of whatever failed.
const SLACK_MS: u64 = 180_000;
/// Machines of each hub.
const MACHINES: usize = 4;

pub struct World {
    pub rng: Rng,
    pub engine: Engine,
    pub hubs: Vec<Hub>,
    pub coordinators: Vec<Coordinator>,
    pub book: Book,
    pub orders: u64,
    pub outcomes: BTreeSet<Outcome>,
    pub finished: u64,
    steps: u64,
    /// How often more ran than may, because coordinators changed while a hub was away or the plan was lost.
    pub beyond: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng(seed),
            engine: Engine::default(),
            hubs: ["h0", "h1", "h2"].map(|name| Hub::new(name, MACHINES)).into(),
            coordinators: ["c0", "c1"].map(Coordinator::new).into(),
            book: Book::default(),
            orders: 0,
            outcomes: BTreeSet::new(),
            finished: 0,
            steps: 0,
            beyond: 0,
        }
    }

    pub fn now(&self) -> Now {
        at_ms(self.engine.now)
    }

    pub fn submit(&mut self) {
        self.orders += 1;
        let rng = &mut self.rng;
        let id = format!("o{}", self.orders);
        let operation = if rng.one_in(3) { "status" } else { "restart" };
        let waves = ["", "canary:1", "canary:1,30%", "25%,rest", "2,3,canary:2,rest"][rng.below(5) as usize];
        let waves: Vec<_> = waves.split(',').filter(|wave| !wave.is_empty()).collect();
        let vms = ["all", "all", "h*", "h0-vm0,h1-*,nobody"][rng.below(4) as usize];
        let failures = if rng.one_in(2) { json!(rng.below(4)) } else { json!("100%") };
        let at = at_ms(self.engine.now).wall_ms();
        let time = 60_000 + if rng.one_in(4) { rng.below(9_000_000) } else { rng.below(600_000) };
        let order = json!({"id": id, "at_ms": at, "not_after_ms": at + time, "vms": vms, "waves": waves,
            "max_concurrency": 1 + rng.below(12), "max_failures": failures, "operator": "alice",
            "message": {"type": "SafeCommand", "command_type":
                {"action": "ServiceControl", "service": "nginx", "operation": operation}}});
        self.book.add(at_ms(self.engine.now), &serde_json::from_value(order).unwrap());
    }

    pub fn control(&mut self) {
        let open = self.book.jobs.iter().filter(|(_, ordered)| ordered.finished.is_none());
        let open: Vec<_> = open.map(|(id, _)| id.clone()).collect();
        let Some(id) = open.get(self.rng.below(open.len() as u64) as usize) else { return };
        let what = [What::Cancel, What::Pause, What::Resume][self.rng.below(3) as usize];
        self.book.say(at_ms(self.engine.now), id, what);
    }

    pub fn step(&mut self) {
        let is_busy = self.book.jobs.values().any(|job| job.finished.is_none());
        let passed = if is_busy { 200 + self.rng.below(7000) } else { 1000 + self.rng.below(20_000) };
        self.engine.now += passed;
        let now = self.now();
        if self.engine.is_up() {
            self.insist();
        }
        for hub in &mut self.hubs {
            hub.step(now, &mut self.engine, &self.book, &mut self.rng);
        }
        for coordinator in &mut self.coordinators {
            let (engine, book, rng) = (&mut self.engine, &mut self.book, &mut self.rng);
            coordinator.step(&mut Around { now, engine, hubs: &self.hubs, book, rng });
        }
        self.steps += 1;
        self.check(passed);
        if self.steps.is_multiple_of(64) {
            self.engine.forget_ids();
            self.close();
        }
    }

    /// The operator's program keeps an order and its last word until it knows how that ended: an engine may lose both.
    fn insist(&mut self) {
        for (id, ordered) in self.book.jobs.iter().filter(|(_, ordered)| ordered.finished.is_none()) {
            let key = job_key(id, &JobKey::Order);
            if self.engine.get(&key).is_none() {
                self.engine.write(&key, text(&ordered.opened.signed), None);
            }
            if let Some(control) = &ordered.control {
                let key = job_key(id, &JobKey::Control);
                let value = text(control);
                if self.engine.get(&key).is_none_or(|entry| entry.value != value) {
                    self.engine.put(&key, value);
                }
            }
        }
    }

    fn check(&mut self, passed: u64) {
        let is_served = self.coordinators.iter().any(|it| it.reaches(&self.engine));
        for coordinator in &self.coordinators {
            for job in coordinator.holding.iter().flat_map(|holding| holding.planner.jobs()) {
                let rows = job.layout().map_or(0, |layout| layout.rows.len());
                assert_eq!(job.counts().sum() as usize, rows, "{}", job.id());
                if self.steps.is_multiple_of(16) {
                    assert_eq!(job.recount(), job.counts());
                }
            }
        }
        for (id, ordered) in &mut self.book.jobs {
            if ordered.finished.is_some() {
                continue;
            }
            let patience = ordered.opened.checked.patience_secs * 1000;
            let late = ordered.opened.order.not_after_ms + patience + GRACE_MS;
            if is_served && at_ms(self.engine.now).wall_ms() > late {
                ordered.overdue += passed;
                assert!(ordered.overdue < SLACK_MS, "{id} is silent past its time");
            }
        }
        self.check_running();
        for hub in &self.hubs {
            for (vm, guest) in &hub.guests.0 {
                for (order, times) in &guest.executed {
                    let is_change = self.book.jobs.get(order).is_some_and(|it| it.opened.is_change());
                    assert!(*times == 1 || !is_change, "{order} was carried out {times} times by {vm}");
                }
            }
        }
    }

    fn check_running(&mut self) {
        for (id, ordered) in &self.book.jobs {
            let begun: u32 = self.hubs.iter().map(|hub| hub.begun(id)).sum();
            let all = MACHINES * self.hubs.len();
            let most = ordered.opened.order.max_concurrency.of(all);
            if begun > most {
                assert!(ordered.disturbed, "{id}: {begun} run, and at most {most} may");
                assert!(begun <= most * ordered.coordinators, "{id}: {begun} run, with {most} allowed");
                self.beyond += 1;
            }
        }
    }

    /// Looks at jobs that ended a while ago, when all that was to be said of them is said.
    fn close(&mut self) {
        let drained = self.hubs.iter().all(|hub| hub.reaches(&self.engine) && hub.is_drained());
        let ended = |ordered: &Ordered| ordered.finished.is_some();
        let ended: Vec<String> =
            self.book.jobs.iter().filter(|(_, it)| ended(it)).map(|(id, _)| id.clone()).collect();
        for id in ended {
            let running: u32 = self.hubs.iter().map(|hub| hub.begun(&id)).sum();
            let ordered = &self.book.jobs[&id];
            let quiet = self.engine.now > ordered.finished_at + 300_000;
            if drained && running == 0 && quiet {
                self.judge(&id);
                self.forget(&id);
            }
        }
    }

    /// What is told of each machine is what has happened to it.
    fn judge(&mut self, id: &str) {
        let ordered = &self.book.jobs[id];
        let progress = ordered.finished.as_ref().unwrap();
        assert_eq!((progress.state, progress.counts.open()), (Stage::Finished, 0));
        assert_eq!(progress.counts.sum(), progress.targets);
        let seen = self.engine.seen.get(id).cloned().unwrap_or_default();
        assert_eq!(seen.len(), progress.targets as usize, "{id}: {progress:?}");
        for ((hub, vm), Seen { hub: said, word }) in seen {
            let outcome = said.or(word).unwrap();
            self.outcomes.insert(outcome);
            let guest = self.hubs.iter().find(|it| it.name == hub).and_then(|hub| hub.guests.0.get(&vm));
            let times = guest.and_then(|guest| guest.executed.get(id)).copied().unwrap_or(0);
            let bound = match outcome {
                Outcome::Answered | Outcome::Failed => times >= 1,
                Outcome::Unknown => true,
                _ if !ordered.opened.is_change() => true,
                _ => times == 0,
            };
            assert!(bound, "{id}: {vm} of {hub} is {said:?}/{word:?} and was carried out {times} times");
            assert!(hub != NOWHERE || outcome == Outcome::Absent);
        }
        self.finished += 1;
    }

    fn forget(&mut self, id: &str) {
        self.book.forget(id);
        self.engine.seen.remove(id);
        for key in [JobKey::Order, JobKey::Control, JobKey::Plan, JobKey::Progress] {
            self.engine.delete(&job_key(id, &key));
        }
        for hub in &mut self.hubs {
            self.engine.delete(&job_key(id, &JobKey::Part(hub.name.clone())));
            for guest in hub.guests.0.values_mut() {
                guest.executed.remove(id);
            }
        }
    }
}
