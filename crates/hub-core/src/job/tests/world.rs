//! A host in simulated time: the planner, a ledger that reaches the disk late, and guests. Everything follows from a seed.

use super::guest::{Guest, WINDOW};
use super::rng::Rng;
use crate::job::*;
use crate::ledger::{self, Record};
use infiniservice_protocol::clock::Now;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, UNIX_EPOCH};

pub struct Guests(pub BTreeMap<String, Guest>);

impl View for Guests {
    fn presence(&self, vm: &str) -> Presence {
        let Some(guest) = self.0.get(vm) else { return Presence::Absent };
        let Some(connection) = guest.connection else { return Presence::Away };
        // Said at the beginning of the connection; the agent may be another process by now.
        let instance = guest.introduced.to_string();
        let link = Link { instance, connection, window: WINDOW, heard_before: guest.heard_before };
        Presence::There { link, free: true }
    }
}

/// The daemon's part: what is on the disk, what is on its way there, and what waits for that.
pub struct World {
    pub rng: Rng,
    pub now: Duration,
    pub guests: Guests,
    pub planner: Planner,
    connections: u64,
    steps: u64,
    /// When this run of the hub began: its monotonic clock may be another one.
    epoch: Duration,
    pub disk: String,
    pub unsynced: Vec<String>,
    waiting: VecDeque<Effect>,
    pub records: usize,
    /// What a machine's part ended as, once that is on the disk.
    ended: BTreeMap<(String, u32), Outcome>,
}

impl World {
    pub fn new(seed: u64, machines: usize) -> Self {
        let mut rng = Rng(seed);
        let guest = |n: usize| (format!("vm-{n}"), Guest { blocks: n % 7 == 6, ..Guest::default() });
        let guests = Guests((0..machines).map(guest).collect());
        let epoch = Duration::from_secs(rng.below(1000));
        Self {
            rng,
            now: Duration::from_secs(5000),
            guests,
            planner: Planner::default(),
            connections: 0,
            steps: 0,
            epoch,
            disk: ledger::head_line(),
            unsynced: Vec::new(),
            waiting: VecDeque::new(),
            records: 0,
            ended: BTreeMap::new(),
        }
    }

    pub fn now(&self) -> Now {
        let wall = UNIX_EPOCH + Duration::from_secs(1_795_415_400) + self.now;
        Now { mono: self.now.saturating_sub(self.epoch), wall }
    }

    pub fn submit(&mut self, id: &str) {
        let operation = if self.rng.one_in(3) { "status" } else { "restart" };
        let body = json!({"vms": "*", "max_concurrency": 1 + self.rng.below(6), "not_after_secs": 60 + self.rng.below(4000),
            "max_failures": if self.rng.one_in(3) { json!(self.rng.below(3)) } else { json!("100%") },
            "message": {"type": "SafeCommand", "command_type":
                {"action": "ServiceControl", "service": "nginx", "operation": operation}}});
        let mut targets: Vec<_> = self.guests.0.keys().cloned().collect();
        if self.rng.one_in(4) {
            targets.push("nowhere".into());
        }
        let request = serde_json::from_value(body).unwrap();
        let taken = self.planner.submit(
            self.now(),
            id,
            Actor { name: "ann", may: &|_| Ok(()) },
            request,
            targets,
            &self.guests,
        );
        assert!(!matches!(taken, Err(NotTaken::Wrong(_) | NotTaken::Exists)), "{taken:?}");
    }

    /// One step of the hub and of all guests.
    pub fn step(&mut self) {
        self.now += Duration::from_millis(200 + self.rng.below(3000));
        let now = self.now();
        // What a guest has sent is read a step later: until then it is lost with the connection.
        self.hear();
        for guest in self.guests.0.values_mut() {
            guest.step(now.mono, &mut self.rng);
        }
        self.planner.tick(self.now(), &self.guests);
        self.collect();
        self.steps += 1;
        self.check(self.steps.is_multiple_of(64));
    }

    fn hear(&mut self) {
        let now = self.now();
        for vm in self.guests.0.keys().cloned().collect::<Vec<_>>() {
            let Some(guest) = self.guests.0.get_mut(&vm).filter(|guest| guest.connection.is_some()) else {
                continue;
            };
            guest.heard = Some(now.mono);
            for line in std::mem::take(&mut guest.outgoing) {
                self.planner.answered(now, &vm, &Reply::read(&line).unwrap(), &self.guests);
            }
        }
        self.planner.turn(now, &self.guests);
    }

    /// Takes what the planner has decided towards the disk.
    pub fn collect(&mut self) {
        let (records, effects) = self.planner.take();
        self.records += records.len();
        self.unsynced.extend(records.iter().map(ledger::line));
        self.waiting.extend(effects);
    }

    /// All is on the disk: what waited for it is done, unless the machine has gone meanwhile.
    pub fn sync(&mut self) {
        self.disk.extend(self.unsynced.drain(..));
        for effect in std::mem::take(&mut self.waiting) {
            let (Effect::Send { vm, connection, .. } | Effect::Cancel { vm, connection, .. }) = &effect;
            let guest = self.guests.0.get_mut(vm).unwrap();
            let Some(line) = self.planner.line(&effect) else { continue };
            if guest.connection == Some(*connection) && !self.rng.one_in(20) {
                guest.incoming.push_back(line);
            } else {
                self.planner.not_written(self.now(), &effect);
            }
        }
        self.collect();
    }

    pub fn connect(&mut self, vm: &str) {
        self.connections += 1;
        let guest = self.guests.0.get_mut(vm).unwrap();
        guest.disconnect();
        guest.heard_before = guest.heard;
        guest.introduced = guest.instance;
        guest.connection = Some(self.connections);
        // What is sent again follows the hello at once.
        self.planner.greeted(self.now(), vm, &self.guests);
        self.collect();
        self.sync();
    }

    /// The hub is killed. Of what was on its way to the disk, so many bytes are there.
    pub fn kill(&mut self, bytes: usize) {
        let unsynced: String = self.unsynced.drain(..).collect();
        self.disk.push_str(unsynced.get(..bytes).unwrap_or(&unsynced));
        self.waiting.clear();
        for guest in self.guests.0.values_mut() {
            guest.disconnect();
            guest.heard = None;
        }
        let replayed = ledger::read(self.disk.as_bytes()).unwrap();
        self.disk.truncate(replayed.good_bytes);
        self.planner = Planner::replay(self.now(), &replayed.records);
        self.keep_promises(&replayed.records);
        self.check(true);
    }

    /// What had ended on the disk stays as it ended.
    fn keep_promises(&mut self, records: &[Record]) {
        for record in records {
            if let Record::Ended { job, target, outcome, .. } = record {
                let first = *self.ended.entry((job.clone(), *target)).or_insert(*outcome);
                let job = self.planner.job(job).unwrap();
                assert_eq!(job.targets()[*target as usize].outcome(), Some(first));
            }
        }
    }

    /// What holds at each moment; for jobs that are finished it is looked at now and then.
    fn check(&self, finished: bool) {
        for job in self.planner.jobs().filter(|job| finished || job.finished_at().is_none()) {
            let mut counts = Counts::default();
            for target in job.targets() {
                *counts.of(&target.state) += 1;
            }
            assert_eq!((counts, counts.sum() as usize), (job.counts(), job.targets().len()));
            assert!(counts.sent <= job.accepted.max_concurrency);
            if job.accepted.change {
                self.check_change(job);
            }
        }
    }

    fn check_change(&self, job: &Job) {
        for (n, target) in job.targets().iter().enumerate() {
            let executed =
                self.guests.0.get(&target.name).and_then(|guest| guest.executed.get(&job.wire_id(n)));
            let executed = executed.copied().unwrap_or(0);
            let (least, most) = match target.outcome() {
                Some(Outcome::Answered | Outcome::Failed) => (1, 1),
                Some(Outcome::Unknown) | None => (0, 1),
                Some(Outcome::Refused | Outcome::Expired | Outcome::Skipped | Outcome::Absent) => (0, 0),
            };
            let bound = least..=most;
            assert!(
                bound.contains(&executed),
                "{} on {}: {:?}, {executed}",
                job.id(),
                target.name,
                target.state
            );
        }
    }

    pub fn all_finished(&self) -> bool {
        self.planner.jobs().all(|job| job.finished_at().is_some())
    }
}
