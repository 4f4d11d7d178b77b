//! A simulated coordinator: the real planner, and the part of a daemon that carries out what it decides.

use super::book::Book;
use super::engine::Engine;
use super::hub::Hub;
use super::rng::Rng;
use crate::message::{Command, Order, Part, Plan, Progress, Stage, TargetResult, text};
use crate::planner::{Effect, Planner, Told, View};
use crate::subject::{JobKey, LEASE_KEY, hub_key, job_key};
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const LEASE_MS: u64 = 15_000;
/// A lease that was not renewed for so long is not used, well before another one can have it.
const USED_MS: u64 = 10_000;

/// What a coordinator knows of all hubs.
pub struct Known {
    pub hubs: BTreeMap<String, Vec<String>>,
    pub away: Vec<String>,
}

impl View for Known {
    fn hubs_away(&self) -> Vec<String> {
        self.away.clone()
    }
    fn known(&self, _order: &Order, hub: &str) -> Vec<String> {
        self.hubs.get(hub).cloned().unwrap_or_default()
    }
}

/// All that a coordinator meets in one step.
pub struct Around<'a> {
    pub now: Now,
    pub engine: &'a mut Engine,
    pub hubs: &'a [Hub],
    pub book: &'a mut Book,
    pub rng: &'a mut Rng,
}

pub struct Coordinator {
    host: String,
    runs: u32,
    pub dead_until: u64,
    pub cut_until: u64,
    /// Until then it does not notice that its lease is over.
    pub zombie_until: u64,
    pub holding: Option<Holding>,
    pub taken: u32,
}

pub struct Holding {
    pub planner: Planner,
    name: String,
    lease: u64,
    renewed: u64,
    cursor: usize,
    revisions: BTreeMap<String, u64>,
    words: VecDeque<TargetResult>,
    hubs: BTreeSet<String>,
    looked_at: u64,
}

impl Coordinator {
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            runs: 0,
            dead_until: 0,
            cut_until: 0,
            zombie_until: 0,
            holding: None,
            taken: 0,
        }
    }

    pub fn reaches(&self, engine: &Engine) -> bool {
        engine.is_up() && engine.now >= self.dead_until && engine.now >= self.cut_until
    }

    pub fn step(&mut self, around: &mut Around<'_>) {
        let now = around.engine.now;
        if now < self.dead_until {
            self.holding = None;
            return;
        }
        let reaches = self.reaches(around.engine);
        if reaches {
            self.lease(around.engine);
        }
        let is_zombie = now < self.zombie_until;
        let Some(holding) = &mut self.holding else { return };
        let until = if is_zombie { u64::MAX } else { holding.renewed + USED_MS };
        let known = known(around);
        if reaches {
            holding.look(around, &known);
        }
        holding.planner.turn(around.now, Duration::from_millis(until), &known);
        if !holding.act(around, reaches, &known) {
            // Another one has written what only the holder of the lease may write.
            self.holding = None;
        }
    }

    fn lease(&mut self, engine: &mut Engine) {
        let free = engine.young(LEASE_KEY, LEASE_MS).is_none();
        match &mut self.holding {
            Some(holding) if engine.now - holding.renewed >= 5000 => {
                let renewed = engine.write(LEASE_KEY, holding.name.clone(), Some(holding.lease));
                match renewed.filter(|_| !free) {
                    Some(revision) => (holding.lease, holding.renewed) = (revision, engine.now),
                    None if engine.now >= self.zombie_until => self.holding = None,
                    None => {}
                }
            }
            None if free => {
                self.runs += 1;
                self.taken += 1;
                let name = format!("{}/{}", self.host, self.runs);
                let lease = engine.put(LEASE_KEY, name.clone());
                self.holding = Some(Holding {
                    planner: Planner::new(&name),
                    name,
                    lease,
                    renewed: engine.now,
                    cursor: engine.results.len(),
                    revisions: BTreeMap::new(),
                    words: VecDeque::new(),
                    hubs: BTreeSet::new(),
                    looked_at: u64::MAX,
                });
            }
            _ => {}
        }
    }
}

fn known(around: &Around<'_>) -> Known {
    let is_away = |hub: &&Hub| around.engine.young(&hub_key(&hub.name), 30_000).is_none();
    let vms = |hub: &Hub| (hub.name.clone(), hub.guests.0.keys().cloned().collect());
    Known {
        hubs: around.hubs.iter().map(vms).collect(),
        away: around.hubs.iter().filter(is_away).map(|hub| hub.name.clone()).collect(),
    }
}

impl Holding {
    fn look(&mut self, around: &mut Around<'_>, known: &Known) {
        for hub in around.hubs {
            if known.away.contains(&hub.name) {
                if self.hubs.remove(&hub.name) {
                    self.planner.hub_gone(&hub.name);
                    around.book.jobs.values_mut().for_each(|job| job.disturbed = true);
                }
            } else if self.hubs.insert(hub.name.clone()) {
                self.planner.hub_back(around.now, &hub.name);
            }
        }
        self.results(around.engine, around.rng);
        if around.engine.revision != self.looked_at {
            self.looked_at = around.engine.revision;
            self.orders(around.now, around.engine, around.book);
        }
    }

    /// Some come twice, and each hub's come as they like.
    fn results(&mut self, engine: &Engine, rng: &mut Rng) {
        let from = self.cursor.min(engine.results.len());
        let mut new: Vec<_> = engine.results.get(from..).unwrap_or_default().to_vec();
        self.cursor = engine.results.len();
        if rng.one_in(3) {
            new.reverse();
        }
        if rng.one_in(10) {
            new.extend(new.first().cloned());
        }
        for result in new {
            self.planner.result(&result);
        }
    }

    fn orders(&mut self, now: Now, engine: &mut Engine, book: &mut Book) {
        for (id, ordered) in &mut book.jobs {
            if engine.get(&job_key(id, &JobKey::Order)).is_none() {
                continue;
            }
            if self.planner.job(id).is_none() && self.planner.has_room() {
                let entry = engine.get(&job_key(id, &JobKey::Progress)).cloned();
                let last: Option<Progress> =
                    entry.as_ref().and_then(|entry| serde_json::from_str(&entry.value).ok());
                if last.as_ref().is_some_and(|last| last.state == Stage::Finished) {
                    continue;
                }
                let claim = Progress::claim(now, id, &self.name, last);
                let expected = entry.map(|entry| entry.revision);
                let Some(revision) = engine.write(&job_key(id, &JobKey::Progress), text(&claim), expected)
                else {
                    continue;
                };
                self.revisions.insert(id.clone(), revision);
                ordered.coordinators += 1;
                self.planner.order(now, ordered.opened.clone());
                self.plan(now, engine, id);
            }
            if let Some(entry) = engine.get(&job_key(id, &JobKey::Control)) {
                let signed: crate::Signed = serde_json::from_str(&entry.value).unwrap();
                let control = serde_json::from_str(&signed.body).unwrap();
                self.planner.control(control, signed);
            }
        }
    }

    /// The plan that stands, with the results that are there.
    fn plan(&mut self, now: Now, engine: &Engine, id: &str) {
        let Some(entry) = engine.get(&job_key(id, &JobKey::Plan)) else { return };
        let plan: Plan = serde_json::from_str(&entry.value).unwrap();
        let part = |hub: &String| {
            let entry = engine.get(&job_key(id, &JobKey::Part(hub.clone())))?;
            serde_json::from_str::<Part>(&entry.value).ok()
        };
        let Some(parts) = plan.hubs.iter().map(part).collect() else { return };
        let results = engine.results.iter().filter(|result| result.job == id).map(|result| &**result);
        self.planner.planned(now, &plan, parts, results);
    }

    /// Carries out what was decided; whether this one still has the lease.
    fn act(&mut self, around: &mut Around<'_>, reaches: bool, known: &Known) -> bool {
        for effect in self.planner.take() {
            self.check(&effect);
            match effect {
                Effect::Publish(result) => self.words.push_back(result),
                Effect::Tell(told) => assert!(matches!(told, Told::NoTarget { .. }), "{told:?}"),
                _ if !reaches => {}
                Effect::Ask { job, hub, .. } => self.ask(around, &job, &hub, known),
                Effect::MakePlan { plan, parts } => self.make(around, &plan, &parts),
                // Now and then nobody takes it.
                Effect::Send { .. } if around.rng.one_in(20) => {}
                Effect::Send { job, hub, command } => around.engine.send(&job, &hub, command),
                Effect::Write(progress) => {
                    self.words.drain(..).for_each(|word| around.engine.publish(&word));
                    if !self.write(around.engine, around.book, &progress) {
                        return false;
                    }
                }
            }
        }
        if reaches {
            self.words.drain(..).for_each(|word| around.engine.publish(&word));
        }
        true
    }

    fn ask(&mut self, around: &mut Around<'_>, job: &str, hub: &str, known: &Known) {
        let hub = around.hubs.iter().find(|it| it.name == hub && it.reaches(around.engine));
        let Some(hub) = hub.filter(|_| !around.rng.one_in(8)) else { return };
        match hub.resolve(job) {
            Some(Part { hub, vms, .. }) => self.planner.resolved(job, crate::Resolved { hub, vms }),
            None => self.planner.refused(job, &hub.name, "no rule", "NOT_ALLOWED", known),
        }
    }

    fn make(&mut self, around: &mut Around<'_>, plan: &Plan, parts: &[Part]) {
        for part in parts {
            let key = job_key(&plan.job, &JobKey::Part(part.hub.clone()));
            around.engine.write(&key, text(part), None);
        }
        around.engine.write(&job_key(&plan.job, &JobKey::Plan), text(plan), None);
        self.plan(around.now, around.engine, &plan.job);
    }

    /// Of a job that it knows to have failed too often, or to be cancelled, it lets nothing begin.
    fn check(&self, effect: &Effect) {
        let Effect::Send { job, command: Command::Run { close: false, .. }, .. } = effect else { return };
        let job = self.planner.job(job).unwrap();
        let most = job.opened().order.max_failures.map(|share| share.of(job.layout().unwrap().rows.len()));
        assert!(most.is_none_or(|most| job.counts().failures() <= most), "{:?}", job.counts());
    }

    fn write(&mut self, engine: &mut Engine, book: &mut Book, progress: &Progress) -> bool {
        let id = &progress.id;
        let is_finished = progress.state == Stage::Finished;
        let revision = self.revisions.get(id).copied();
        let Some(revision) = engine.write(&job_key(id, &JobKey::Progress), text(progress), revision) else {
            return false;
        };
        self.revisions.insert(id.clone(), revision);
        if is_finished {
            self.planner.forget(id);
            if let Some(ordered) = book.jobs.get_mut(id) {
                ordered.finished = Some(progress.clone());
                ordered.finished_at = engine.now;
            }
        }
        true
    }
}
