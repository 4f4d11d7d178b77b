//! What will happen when: a priority queue on simulated time, first come first served at one instant.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

/// What may happen in the simulated world.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The host reads what has come.
    HostReads,
    /// The guest's driver sees readiness: data, room, the host's coming or going.
    GuestEdge,
    /// The host opens its end.
    HostComes,
    /// The host closes its end.
    HostLeaves,
    /// The host does its rounds: asks again, sends commands.
    HostRounds,
    /// The host's answer to this heartbeat is on its way.
    Answer(u64),
    /// A command has ended.
    Done(String),
    /// A command that is followed writes its piece of this number.
    Piece(String, u64),
    /// A sample of this subscription is due.
    Sample(u64),
    /// A collection has ended.
    Collected(Option<String>),
    /// The schedule's collection is due.
    Collect,
    /// The schedule's health check is due.
    HealthCheck,
    /// The device is plugged in again.
    Replug,
    /// The watch over devices says that something changed.
    DevicesChanged,
    /// A fault begins.
    Fault,
    /// A fault ends.
    FaultEnds(Passing),
    /// The next phase begins.
    Phase,
    /// Something at the bulk port.
    Bulk(BulkHappening),
}

/// What may happen at the bulk port.
#[derive(Clone, Copy, Debug)]
pub enum BulkHappening {
    /// The guest's driver sees readiness.
    Edge,
    /// The host reads what has come.
    Reads,
    /// The host opens its end.
    HostComes,
    /// The host closes its end.
    HostLeaves,
    /// A fault ends.
    FaultEnds,
}

/// Faults that last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// The host does not read.
    Stall,
    /// The host answers no heartbeat.
    Silence,
    /// Opens are refused.
    Refusal,
    /// Reads and writes fail.
    Broken,
    /// Writes take a few bytes.
    Slow,
    /// Writes lack one byte.
    Tight,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    order: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed: the heap gives the greatest first, and we want the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    heap: BinaryHeap<Entry>,
    order: u64,
}

impl Queue {
    /// Something is to happen.
    pub fn push(&mut self, at: Duration, what: Happening) {
        self.order += 1;
        self.heap.push(Entry { at, order: self.order, what });
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Duration> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// The next thing.
    pub fn pop(&mut self) -> Option<Happening> {
        self.heap.pop().map(|entry| entry.what)
    }

    /// How much is to come.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
