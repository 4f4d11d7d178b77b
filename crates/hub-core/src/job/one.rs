//! One job: its targets, and what each record makes of them.

use super::message;
use super::target::{Counts, OnWire, Outcome, State, Target};
use crate::ledger::{Accepted, Record};
use infiniservice_protocol::clock::Now;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A job, and where each of its machines stands.
#[derive(Debug)]
pub struct Job {
    /// What was accepted.
    pub accepted: Box<Accepted>,
    targets: Vec<Target>,
    by_name: HashMap<String, usize>,
    counts: Counts,
    /// Who cancelled it.
    cancelled: Option<String>,
    finished_at: Option<u64>,
    result_bytes: usize,
    request_bytes: usize,
    /// Until when a machine may begin, by the monotonic clock.
    pub(super) until: Duration,
    /// Those whose turn may come at once.
    pub(super) ready: VecDeque<usize>,
    /// Those that are looked at again later.
    pub(super) held: Vec<(Duration, usize)>,
}

impl Job {
    pub(super) fn new(now: Now, accepted: Accepted) -> Self {
        let targets: Vec<_> = accepted.targets.iter().cloned().map(Target::new).collect();
        let by_name = accepted.targets.iter().cloned().enumerate().map(|(n, name)| (name, n)).collect();
        let mut job = Self {
            counts: Counts {
                accepted: u32::try_from(targets.len()).unwrap_or(u32::MAX),
                ..Counts::default()
            },
            ready: (0..targets.len()).collect(),
            until: mono_of(now, accepted.not_after),
            request_bytes: accepted.bytes(),
            accepted: Box::new(accepted),
            targets,
            by_name,
            cancelled: None,
            finished_at: None,
            result_bytes: 0,
            held: Vec::new(),
        };
        for n in job.accepted.absent.clone() {
            job.end(n as usize, Outcome::Absent, job.accepted.at);
        }
        job
    }

    /// More machines, of which some are absent. Those that it has already are none.
    fn add(&mut self, names: &[String], absent: &[u32], at: u64) {
        for (name, place) in names.iter().zip(0..) {
            let n = self.targets.len();
            if self.by_name.contains_key(name) {
                continue;
            }
            self.by_name.insert(name.clone(), n);
            self.targets.push(Target::new(name.clone()));
            self.accepted.targets.push(name.clone());
            self.counts.accepted += 1;
            self.finished_at = None;
            if absent.contains(&place) {
                self.accepted.absent.extend(u32::try_from(n));
                self.end(n, Outcome::Absent, at);
            } else {
                self.ready.push_back(n);
            }
        }
        // All of them may begin, as those before them.
        let all = u32::try_from(self.targets.len()).unwrap_or(u32::MAX);
        self.accepted.max_concurrency = self.accepted.max_concurrency.max(all);
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.accepted.id
    }

    /// What it does: the action's name, or the message's type.
    pub fn what(&self) -> &str {
        message::what(&self.accepted.message)
    }

    /// Its machines.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// How many stand where.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Who cancelled it, if somebody did.
    pub fn cancelled(&self) -> Option<&str> {
        self.cancelled.as_deref()
    }

    /// When the last of its machines ended, in milliseconds since 1970.
    pub const fn finished_at(&self) -> Option<u64> {
        self.finished_at
    }

    /// Whether it failed more often than it may.
    pub fn has_failed_too_often(&self) -> bool {
        self.accepted.max_failures.is_some_and(|most| self.counts.failures() > most)
    }

    /// Bytes of the answers that it keeps.
    pub const fn result_bytes(&self) -> usize {
        self.result_bytes
    }

    /// Bytes of its message and its selector.
    pub const fn request_bytes(&self) -> usize {
        self.request_bytes
    }

    /// A machine's place in it.
    pub(super) fn place(&self, vm: &str) -> Option<usize> {
        self.by_name.get(vm).copied()
    }

    /// The target with this id on a machine's wire.
    pub(super) fn find(&self, vm: &str, id: &str) -> Option<usize> {
        let n = self.place(vm)?;
        (message::id(self.id(), vm, n) == id).then_some(n)
    }

    /// The id of a target's command.
    pub fn wire_id(&self, n: usize) -> String {
        message::id(self.id(), self.targets.get(n).map_or("", |target| &target.name), n)
    }

    pub(super) fn target_mut(&mut self, n: usize) -> Option<&mut Target> {
        self.targets.get_mut(n)
    }

    /// Those whose commands are with the guests.
    pub(super) fn sent(&self) -> Vec<usize> {
        let sent = self.targets.iter().enumerate();
        sent.filter(|(_, target)| matches!(target.state, State::Sent { .. })).map(|(n, _)| n).collect()
    }

    /// Makes a record true. One that is true already, or that comes too late, changes nothing.
    pub(super) fn apply(&mut self, now: Now, record: &Record) {
        match record {
            Record::Added { targets, absent, at, .. } => self.add(targets, absent, *at),
            Record::Sent { target, instance, at, .. } => self.send(now, *target as usize, instance, *at),
            Record::Back { target, .. } => self.back(*target as usize),
            Record::Ended { target, outcome, code, text, result, at, .. } => {
                let n = *target as usize;
                if self.end(n, *outcome, *at) {
                    self.tell(n, code.as_ref(), text.as_ref(), result.as_ref());
                }
            }
            Record::Rest { outcome, text, at, .. } => self.rest(*outcome, text, *at),
            Record::Cancelled { actor, .. } => {
                self.cancelled.get_or_insert_with(|| actor.clone());
            }
            Record::Accepted(_) | Record::Forgotten { .. } => {}
        }
    }

    fn send(&mut self, now: Now, n: usize, instance: &str, at: u64) {
        let waits = self.accepted.patience_secs * 1000;
        let give_up = mono_of(now, self.accepted.not_after.max(at.saturating_add(waits)));
        let is_open = |target: &&mut Target| target.outcome().is_none();
        let Some(target) = self.targets.get_mut(n).filter(is_open) else { return };
        *self.counts.of(&target.state) -= 1;
        target.state = State::Sent { instance: instance.to_owned(), at };
        target.sent_at.get_or_insert(at);
        target.wire = OnWire { give_up, ..OnWire::default() };
        *self.counts.of(&target.state) += 1;
    }

    fn back(&mut self, n: usize) {
        let is_sent = |target: &&mut Target| matches!(target.state, State::Sent { .. });
        let Some(target) = self.targets.get_mut(n).filter(is_sent) else { return };
        *self.counts.of(&target.state) -= 1;
        target.state = State::Accepted;
        *self.counts.of(&target.state) += 1;
        self.ready.push_back(n);
    }

    /// Whether it had not ended before.
    fn end(&mut self, n: usize, outcome: Outcome, at: u64) -> bool {
        let is_open = |target: &&mut Target| target.outcome().is_none();
        let Some(target) = self.targets.get_mut(n).filter(is_open) else { return false };
        *self.counts.of(&target.state) -= 1;
        target.state = State::Ended(outcome);
        target.ended_at = Some(at);
        *self.counts.of(&target.state) += 1;
        if self.counts.open() == 0 {
            let last = self.targets.iter().filter_map(|target| target.ended_at).max();
            self.finished_at = last;
            (self.ready, self.held) = (VecDeque::new(), Vec::new());
        }
        true
    }

    fn tell(&mut self, n: usize, code: Option<&String>, text: Option<&String>, result: Option<&String>) {
        let Some(target) = self.targets.get_mut(n) else { return };
        target.code = code.cloned();
        target.text = text.cloned();
        target.result = result.cloned();
        self.result_bytes += target.result.as_ref().map_or(0, String::len);
    }

    fn rest(&mut self, outcome: Outcome, text: &str, at: u64) {
        for n in 0..self.targets.len() {
            if self.targets[n].state == State::Accepted && self.end(n, outcome, at) {
                self.targets[n].text = Some(text.to_owned());
            }
        }
    }

    /// The records that make this job what it is.
    pub(super) fn snapshot(&self) -> Vec<Record> {
        let mut records = vec![Record::Accepted(self.accepted.clone())];
        let job = || self.id().to_owned();
        let cancelled = self.cancelled.clone();
        records.extend(cancelled.map(|actor| Record::Cancelled { job: job(), actor, at: self.accepted.at }));
        for (target, n) in self.targets.iter().zip(0..) {
            records.extend(match &target.state {
                State::Accepted => None,
                State::Sent { instance, at } => {
                    Some(Record::Sent { job: job(), target: n, instance: instance.clone(), at: *at })
                }
                State::Ended(outcome) => Some(Record::Ended {
                    job: job(),
                    target: n,
                    outcome: *outcome,
                    code: target.code.clone(),
                    text: target.text.clone(),
                    result: target.result.clone(),
                    at: target.ended_at.unwrap_or(self.accepted.at),
                }),
            });
        }
        records
    }
}

/// A moment of the host's clock on the monotonic one; what is past is now.
fn mono_of(now: Now, wall: u64) -> Duration {
    now.mono + Duration::from_millis(wall.saturating_sub(now.wall_ms()))
}
