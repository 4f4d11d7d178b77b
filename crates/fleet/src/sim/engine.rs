//! The engine with the faults that its makers and its users have told of: messages that come twice and in another order, ids
//! that are forgotten after two minutes, and, after a power cut, everything lost that was acknowledged since the last fsync.

use super::rng::Rng;
use crate::message::{Command, TargetResult};
use infiniservice_hub_core::job::Outcome;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

/// How long ids are remembered, and how old an fsync may be, in milliseconds.
const WINDOW_MS: u64 = 120_000;
/// How long a command waits for its acknowledgement, in milliseconds.
const ACK_WAIT_MS: u64 = 30_000;

#[derive(Clone)]
pub struct Entry {
    pub value: String,
    pub revision: u64,
    pub at: u64,
}

#[derive(Clone)]
struct Message {
    number: u64,
    command: Rc<Command>,
    due: u64,
}

/// What a power cut takes back.
enum Undo {
    Entry(String, Option<Entry>),
    Sent(String, u64),
    Acked(String, Message),
    Result(String),
}

/// What somebody who looks all the time has seen of a machine.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    pub hub: Option<Outcome>,
    pub word: Option<Outcome>,
}

#[derive(Default)]
pub struct Engine {
    pub down_until: u64,
    pub now: u64,
    entries: BTreeMap<String, Entry>,
    pub revision: u64,
    commands: BTreeMap<String, VecDeque<Message>>,
    pub results: Vec<Rc<TargetResult>>,
    ids: HashMap<String, u64>,
    undo: VecDeque<(u64, u64, Undo)>,
    pub seen: HashMap<String, BTreeMap<(String, String), Seen>>,
    /// Results that a power cut took.
    pub lost: u64,
    /// Commands that came more than once.
    pub redelivered: u64,
}

impl Engine {
    pub fn is_up(&self) -> bool {
        self.now >= self.down_until
    }

    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// An entry that is not older than that.
    pub fn young(&self, key: &str, most_ms: u64) -> Option<&Entry> {
        self.get(key).filter(|entry| self.now - entry.at < most_ms)
    }

    /// Writes if there is none, or if it is of this revision; its new one.
    pub fn write(&mut self, key: &str, value: String, expected: Option<u64>) -> Option<u64> {
        let is = self.get(key).map(|entry| entry.revision);
        if is != expected {
            return None;
        }
        Some(self.put(key, value))
    }

    pub fn put(&mut self, key: &str, value: String) -> u64 {
        self.revision += 1;
        let entry = Entry { value, revision: self.revision, at: self.now };
        let before = self.entries.insert(key.to_owned(), entry);
        self.did(Undo::Entry(key.to_owned(), before));
        self.revision
    }

    /// The entry is not needed any more, or a fault took it.
    pub fn delete(&mut self, key: &str) {
        self.entries.remove(key);
    }

    /// Whether this id was not there in the last two minutes.
    fn is_new(&mut self, id: &str) -> bool {
        let before = self.ids.get(id).copied();
        if before.is_some_and(|at| self.now - at < WINDOW_MS) {
            return false;
        }
        self.ids.insert(id.to_owned(), self.now);
        true
    }

    pub fn send(&mut self, job: &str, hub: &str, command: Command) {
        if !self.is_new(&command.id(job, hub)) {
            return;
        }
        self.revision += 1;
        let (number, due) = (self.revision, self.now);
        let message = Message { number, command: Rc::new(command), due };
        self.commands.entry(hub.to_owned()).or_default().push_back(message);
        self.did(Undo::Sent(hub.to_owned(), number));
    }

    /// The commands that a hub gets now: now and then one twice, or in another order.
    pub fn fetch(&mut self, hub: &str, rng: &mut Rng) -> Vec<(u64, Rc<Command>)> {
        let now = self.now;
        let Some(queue) = self.commands.get_mut(hub) else { return Vec::new() };
        let mut got = Vec::new();
        for message in queue.iter_mut().filter(|message| message.due <= now) {
            self.redelivered += u64::from(message.due > 0 && message.due + ACK_WAIT_MS <= now);
            message.due = if rng.one_in(40) { now } else { now + ACK_WAIT_MS };
            got.push((message.number, Rc::clone(&message.command)));
        }
        if rng.one_in(20) {
            got.reverse();
        }
        got
    }

    pub fn ack(&mut self, hub: &str, number: u64) {
        let Some(queue) = self.commands.get_mut(hub) else { return };
        if let Some(place) = queue.iter().position(|message| message.number == number)
            && let Some(message) = queue.remove(place)
        {
            self.did(Undo::Acked(hub.to_owned(), message));
        }
    }

    pub fn publish(&mut self, result: &TargetResult) {
        let id = result.id();
        if !self.is_new(&id) {
            return;
        }
        let job = self.seen.entry(result.job.clone()).or_default();
        let seen = job.entry((result.hub.clone(), result.vm.clone())).or_default();
        let slot = if result.is_of_hub() { &mut seen.hub } else { &mut seen.word };
        slot.get_or_insert(result.outcome);
        self.results.push(Rc::new(result.clone()));
        self.did(Undo::Result(id));
    }

    fn did(&mut self, undo: Undo) {
        let counts = matches!(undo, Undo::Entry(..) | Undo::Sent(..));
        self.undo.push_back((self.now, self.revision - u64::from(counts), undo));
        let now = self.now;
        while self.undo.pop_front_if(|(at, _, _)| now - *at > WINDOW_MS).is_some() {}
    }

    /// Everything since then is lost, although it was acknowledged, and numbers are given again.
    pub fn power_cut(&mut self, since: u64) {
        while let Some((_, revision, undo)) = self.undo.pop_back_if(|(at, _, _)| *at >= since) {
            match undo {
                Undo::Entry(key, Some(before)) => drop(self.entries.insert(key, before)),
                Undo::Entry(key, None) => drop(self.entries.remove(&key)),
                Undo::Sent(hub, number) => {
                    self.commands.entry(hub).or_default().retain(|message| message.number != number);
                }
                Undo::Acked(hub, message) => self.commands.entry(hub).or_default().push_front(message),
                Undo::Result(id) => {
                    self.ids.remove(&id);
                    self.results.pop();
                    self.lost += 1;
                }
            }
            self.revision = revision;
        }
        self.ids.retain(|_, at| *at < since);
    }

    pub fn forget_ids(&mut self) {
        let now = self.now;
        self.ids.retain(|_, at| now - *at < WINDOW_MS);
    }
}
