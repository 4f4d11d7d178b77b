//! A simulated hub: the real planner of jobs and the real rules for commands, a ledger that reaches the disk late, guests.

use super::book::Book;
use super::engine::Engine;
use super::guest::{Guest, WINDOW};
use super::rng::Rng;
use crate::message::{Command, Control, Part, TargetResult};
use crate::orders::{Asked, Begin, HubOrders, Meant, Outbox};
use crate::sign::Opened;
use crate::subject::hub_key;
use infiniservice_hub_core::job::{Actor, Effect, Planner, Presence, View};
use infiniservice_hub_core::ledger::Record;
use infiniservice_hub_core::machine::Link;
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, VecDeque};

#[derive(Default)]
pub struct Guests(pub BTreeMap<String, Guest>);

impl View for Guests {
    fn presence(&self, vm: &str) -> Presence {
        let Some(guest) = self.0.get(vm) else { return Presence::Absent };
        let Some(connection) = guest.connection else { return Presence::Away };
        let instance = guest.introduced.to_string();
        let link = Link { instance, connection, window: WINDOW, heard_before: guest.heard_before };
        Presence::There { link, free: true }
    }
}

pub struct Hub {
    pub name: String,
    /// It does not run before.
    pub dead_until: u64,
    /// It does not reach the engine before.
    pub cut_until: u64,
    pub guests: Guests,
    pub jobs: Planner,
    orders: HubOrders,
    outbox: Outbox,
    disk: Vec<Record>,
    unsynced: Vec<Record>,
    waiting: VecDeque<Effect>,
    acks: Vec<u64>,
    /// What was said at once and waits for the disk, and then for the engine.
    said: Vec<TargetResult>,
    recorded: Vec<TargetResult>,
    connections: u64,
    present_at: Option<u64>,
}

impl Hub {
    pub fn new(name: &str, machines: usize) -> Self {
        let guests = (0..machines).map(|n| (format!("{name}-vm{n}"), Guest::default())).collect();
        Self {
            name: name.to_owned(),
            dead_until: 0,
            cut_until: 0,
            guests: Guests(guests),
            jobs: Planner::default(),
            orders: HubOrders::new(name),
            outbox: Outbox::default(),
            disk: Vec::new(),
            unsynced: Vec::new(),
            waiting: VecDeque::new(),
            acks: Vec::new(),
            said: Vec::new(),
            recorded: Vec::new(),
            connections: 0,
            present_at: None,
        }
    }

    /// The process is killed: only the disk is left, with some of what was on its way there.
    pub fn kill(&mut self, now: Now, dead_until: u64, rng: &mut Rng) {
        let kept = rng.below(self.unsynced.len() as u64 + 1) as usize;
        self.disk.extend(self.unsynced.drain(..).take(kept));
        self.jobs = Planner::replay(now, &self.disk);
        self.disk = self.jobs.snapshot().collect();
        self.orders = HubOrders::new(&self.name);
        self.outbox = Outbox::after_start(now, &self.jobs);
        (self.waiting, self.acks, self.said) = (VecDeque::new(), Vec::new(), Vec::new());
        self.recorded.clear();
        (self.dead_until, self.present_at) = (dead_until, None);
        for guest in self.guests.0.values_mut() {
            guest.disconnect();
            guest.heard = None;
        }
    }

    pub fn reaches(&self, engine: &Engine) -> bool {
        engine.is_up() && engine.now >= self.dead_until && engine.now >= self.cut_until
    }

    pub fn step(&mut self, now: Now, engine: &mut Engine, book: &Book, rng: &mut Rng) {
        if engine.now < self.dead_until {
            self.guests.0.values_mut().for_each(|guest| guest.step(now.mono, rng));
            return;
        }
        self.connect(now, engine.now);
        self.hear(now, rng);
        self.jobs.tick(now, &self.guests);
        self.collect();
        if self.reaches(engine) {
            self.present(engine);
            for (number, command) in engine.fetch(&self.name, rng) {
                self.command(now, number, &command, book);
            }
        }
        if !rng.one_in(4) {
            self.sync(now, engine, rng);
        }
        if self.reaches(engine) {
            self.publish(engine, rng);
        }
    }

    fn present(&mut self, engine: &mut Engine) {
        if self.present_at.is_none_or(|at| engine.now - at >= 10_000) {
            self.present_at = Some(engine.now);
            engine.put(&hub_key(&self.name), String::new());
        }
    }

    fn connect(&mut self, now: Now, ms: u64) {
        let mut greeted = Vec::new();
        for (vm, guest) in &mut self.guests.0 {
            if guest.connection.is_none() && ms >= guest.away_until {
                self.connections += 1;
                guest.connection = Some(self.connections);
                (guest.introduced, guest.heard_before) = (guest.instance, guest.heard);
                greeted.push(vm.clone());
            }
        }
        for vm in greeted {
            self.jobs.greeted(now, &vm, &self.guests);
        }
    }

    fn hear(&mut self, now: Now, rng: &mut Rng) {
        let vms: Vec<String> = self.guests.0.keys().cloned().collect();
        for vm in vms {
            let Some(guest) = self.guests.0.get_mut(&vm) else { continue };
            if guest.connection.is_some() {
                guest.heard = Some(now.mono);
                for reply in std::mem::take(&mut guest.outgoing) {
                    self.jobs.answered(now, &vm, &reply, &self.guests);
                }
            }
            if let Some(guest) = self.guests.0.get_mut(&vm).filter(|guest| !guest.is_idle()) {
                guest.step(now.mono, rng);
            }
        }
    }

    fn collect(&mut self) {
        let (records, effects) = self.jobs.take();
        self.unsynced.extend(records);
        self.waiting.extend(effects);
    }

    fn sync(&mut self, now: Now, engine: &mut Engine, rng: &mut Rng) {
        let records = std::mem::take(&mut self.unsynced);
        self.outbox.recorded(&records, &self.jobs);
        self.disk.extend(records);
        self.recorded.append(&mut self.said);
        for effect in std::mem::take(&mut self.waiting) {
            self.write(now, &effect, rng);
        }
        self.collect();
        if self.reaches(engine) {
            for number in std::mem::take(&mut self.acks) {
                // An acknowledgement may be lost, too.
                if !rng.one_in(30) {
                    engine.ack(&self.name, number);
                }
            }
        }
        if self.disk.len() > 20_000 && self.unsynced.is_empty() {
            self.disk = self.jobs.snapshot().collect();
        }
    }

    fn write(&mut self, now: Now, effect: &Effect, rng: &mut Rng) {
        let (Effect::Send { vm, id, connection, .. } | Effect::Cancel { vm, id, connection }) = effect;
        if self.jobs.line(effect).is_none() {
            return;
        }
        let Some(guest) = self.guests.0.get_mut(vm) else { return };
        if guest.connection != Some(*connection) || rng.one_in(30) {
            return self.jobs.not_written(now, effect);
        }
        guest.incoming.push_back(match effect {
            Effect::Send { .. } => (id.clone(), None),
            Effect::Cancel { .. } => (Planner::answer_id(effect), Some(id.clone())),
        });
    }

    fn publish(&mut self, engine: &mut Engine, rng: &mut Rng) {
        for result in std::mem::take(&mut self.recorded) {
            engine.publish(&result);
        }
        while let Some((key, result)) = self.outbox.next(&self.name, &self.jobs) {
            engine.publish(&result);
            // It is there, and the confirmation was lost.
            if rng.one_in(30) {
                self.outbox.back(key);
                return;
            }
        }
    }

    fn command(&mut self, now: Now, number: u64, command: &Command, book: &Book) {
        match command {
            Command::Cancel { control, .. } => {
                let control = book.control(control);
                if let Some(control) = control {
                    self.cancel(now, &control);
                }
                self.acks.push(number);
            }
            Command::Run { order, wave, targets, close, .. } => {
                let asked = Asked { wave: *wave, targets, close: *close };
                if book.order(order).is_none_or(|opened| self.run(now, opened, asked)) {
                    self.acks.push(number);
                }
            }
        }
        self.jobs.tick(now, &self.guests);
        self.collect();
    }

    fn cancel(&mut self, now: Now, control: &Control) {
        for id in self.orders.cancel(control, &self.jobs) {
            self.jobs.cancel(now, &id, &control.operator);
        }
    }

    /// Whether it is done with.
    fn run(&mut self, now: Now, opened: &Opened, asked: Asked<'_>) -> bool {
        let guests = &self.guests;
        let meant = |vm: &str| if guests.0.contains_key(vm) { Meant::Yes } else { Meant::Absent };
        let Ok(decision) = self.orders.run(now, opened, asked, &self.jobs, &meant) else { return false };
        self.said.extend(decision.results);
        decision.jobs.into_iter().all(|begin| self.begin(now, opened, asked.wave, begin))
    }

    fn begin(&mut self, now: Now, opened: &Opened, wave: u32, begin: Begin) -> bool {
        if Book::is_refused(&self.name, &opened.order.id) {
            let told = self.orders.refused(now, opened, wave, &begin.targets, "no rule", "NOT_ALLOWED");
            self.said.extend(told);
            return true;
        }
        let actor = Actor { name: &begin.actor, may: &|_| Ok(()) };
        let taken = if self.jobs.job(&begin.id).is_some() {
            self.jobs.extend(now, &begin.id, actor, begin.targets, &self.guests).is_ok()
        } else {
            self.jobs.submit(now, &begin.id, actor, begin.request, begin.targets, &self.guests).is_ok()
        };
        if let Some(by) = begin.cancelled_by.filter(|_| taken) {
            self.jobs.cancel(now, &begin.id, &by);
        }
        taken
    }

    /// Its answer to a question.
    pub fn resolve(&self, order: &str) -> Option<Part> {
        let vms = self.guests.0.keys().cloned().collect();
        (!Book::is_refused(&self.name, order)).then(|| Part { hub: self.name.clone(), vms, missing: None })
    }

    /// Machines of an order that have begun here and have not ended.
    pub fn begun(&self, order: &str) -> u32 {
        let of = |id: &str| id.strip_prefix(order).is_some_and(|rest| rest.starts_with('.'));
        self.jobs.jobs().filter(|job| of(job.id())).map(|job| job.counts().open()).sum()
    }

    /// The same for all orders.
    pub fn begun_by_order(&self) -> BTreeMap<String, u32> {
        let mut begun = BTreeMap::new();
        for job in self.jobs.jobs().filter(|job| job.counts().open() > 0) {
            let order = job.id().split_once('.').map_or("", |(order, _)| order).to_owned();
            *begun.entry(order).or_default() += job.counts().open();
        }
        begun
    }

    /// Whether nothing is on its way from it.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty() && self.said.is_empty() && self.recorded.is_empty() && self.unsynced.is_empty()
    }
}
