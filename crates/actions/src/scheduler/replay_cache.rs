//! Ids that were answered, with their answers for as long as memory allows.

use infiniservice_protocol::Response;
use infiniservice_protocol::encode::json_within;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Ids that are remembered at most; beyond it the oldest are dropped before their time.
const MAX_IDS: usize = 16_384;

/// What is known of an id.
#[derive(Debug, PartialEq)]
pub(super) enum Recall {
    /// Never seen, or too long ago.
    Unknown,
    /// Answered; the answer had to go to keep the memory bound.
    Forgotten,
    /// Answered with this.
    Kept(Box<Response>),
}

#[derive(Debug)]
struct Entry {
    id: String,
    at: Duration,
}

/// The memory of answered ids. Answers are kept as the bytes of their JSON: a tree of values takes several times that.
#[derive(Debug)]
pub(super) struct ReplayCache {
    window: Duration,
    max_bytes: usize,
    bytes: usize,
    order: VecDeque<Entry>,
    bodies: HashMap<String, Option<Box<[u8]>>>,
    /// Entries of `order`, from the front, whose answers are gone already.
    hollow: usize,
}

impl ReplayCache {
    pub(super) fn new(window: Duration, max_bytes: usize) -> Self {
        Self { window, max_bytes, bytes: 0, order: VecDeque::new(), bodies: HashMap::new(), hollow: 0 }
    }

    /// Other bounds, at once for what is remembered already.
    pub(super) fn set_bounds(&mut self, window: Duration, max_bytes: usize) {
        (self.window, self.max_bytes) = (window, max_bytes);
        self.shrink();
    }

    pub(super) fn insert(&mut self, now: Duration, response: &Response) {
        self.expire(now);
        if self.window.is_zero() || self.bodies.contains_key(&response.id) {
            return;
        }
        // One that is longer than all of them may be is not kept, and costs no other its place.
        let body = json_within(response, self.max_bytes).map(Vec::into_boxed_slice);
        self.bytes += body.as_ref().map_or(0, |b| b.len());
        self.order.push_back(Entry { id: response.id.clone(), at: now });
        self.bodies.insert(response.id.clone(), body);
        self.shrink();
    }

    pub(super) fn recall(&mut self, now: Duration, id: &str) -> Recall {
        self.expire(now);
        match self.bodies.get(id) {
            None => Recall::Unknown,
            Some(body) => body
                .as_ref()
                .and_then(|bytes| serde_json::from_slice(bytes).ok())
                .map_or(Recall::Forgotten, Recall::Kept),
        }
    }

    fn expire(&mut self, now: Duration) {
        while self.order.front().is_some_and(|e| now.saturating_sub(e.at) >= self.window) {
            self.drop_oldest();
        }
    }

    fn shrink(&mut self) {
        while self.order.len() > MAX_IDS {
            self.drop_oldest();
        }
        while self.bytes > self.max_bytes && self.hollow < self.order.len() {
            let body = self.order.get(self.hollow).and_then(|e| self.bodies.get_mut(&e.id));
            self.bytes -= body.and_then(Option::take).map_or(0, |b| b.len());
            self.hollow += 1;
        }
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.order.pop_front() else { return };
        self.bytes -= self.bodies.remove(&entry.id).flatten().map_or(0, |b| b.len());
        self.hollow = self.hollow.saturating_sub(1);
    }
}
