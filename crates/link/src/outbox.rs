//! What waits for the host, in the order in which it goes out, and the bound on it.
//!
//! Order: responses and errors as they came; then breaker reports, answers to the host's pings, heartbeats, hello; then metrics;
//! then samples of streams.
//!
//! The bound is `outbox_max_bytes` over the responses and errors that wait, the one being written included. An accepted
//! command's answer is never lost: a command is accepted only when `RESERVE` bytes could be set aside for its answer, and an
//! answer that does not fit whole is cut to what is free, never below that reserve. Refusals of input (errors, and responses
//! to what was never accepted) have a sixteenth of the bound for themselves. Beyond it errors are dropped and counted; a
//! response, which answers an id, is kept in any case, and `read_room` sees to it that the share holds them. Requests for
//! metrics have room set aside in that share as well: they may have to be refused later. Of the other kinds a few are kept,
//! the newest.

mod bulk;
mod reserving;
mod sealing;

pub use self::bulk::LARGE_BYTES;
use super::breaker::Change;
use super::dialect::Dialect;
use super::extras::Extras;
pub use super::item::Item;
use super::seals::Seals;
use super::spoken::Spoken;
use infiniservice_protocol::encode::{Body, fit};
use infiniservice_protocol::guest::{Hello, Output};
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::stream::Stream;
use infiniservice_protocol::{GuestMessage, Limits};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Set aside for the answer of each command under way.
pub const RESERVE: usize = 64 * 1024;
/// Places that an empty queue of answers keeps.
const KEPT_CAPACITY: usize = 32;
/// Share of the bound that refusals may take: one part in this many.
const REFUSAL_SHARE: usize = 16;
/// A refusal is at most this many times as long as the line that it refuses: `{"id":"a"` is the shortest with an id.
const REFUSAL_GROWTH: usize = 48;
/// With room for less than this nothing is read: reading byte by byte would cost more than waiting.
const LEAST_READ_BYTES: usize = 1024;
/// Pings of the host that wait for their answer; the oldest is dropped beyond it. Half of them are as many as one read
/// can bring.
const MAX_PONGS: usize = 1024;
const HALF_OF_PONGS: usize = MAX_PONGS / 2;
/// Changes of the breaker's state that wait; the oldest is dropped beyond it.
const MAX_REPORTS: usize = 8;
/// Answers to `Hello` that wait; all are the newest description. Half of them are more than one read can bring.
const MAX_HELLOS: u32 = 2048;
const HALF_OF_HELLOS: u32 = MAX_HELLOS / 2;
/// Set aside in the refusals' share for each request for metrics, beside its id.
const OWED_BYTES: usize = 512;
/// Longest form of an id's byte on the wire: three characters for one that takes four bytes, six for one of two.
const ID_GROWTH: usize = 3;
/// By how much a message may be longer as the dialect spells it.
const SPELLING_BYTES: usize = 1024;
/// Metrics with different request ids that wait.
const MAX_METRICS: usize = 8;

/// What waits for the host.
#[derive(Debug)]
pub struct Outbox {
    limits: Limits,
    answers: VecDeque<Item>,
    /// Large ones, while the bulk port takes them.
    bulk_answers: VecDeque<Item>,
    uses_bulk: bool,
    answer_bytes: usize,
    refusal_bytes: usize,
    reserved: usize,
    reports: VecDeque<Change>,
    pongs: VecDeque<u64>,
    heartbeat: bool,
    /// The newest description, and how many requests for it wait.
    hello: Option<(Body, u32)>,
    metrics: VecDeque<(Body, Option<String>)>,
    pub(super) spoken: Spoken,
    extras: Extras,
    pub(super) dialect: Option<Arc<dyn Dialect>>,
    pub(super) seals: Option<Box<Seals>>,
    /// Requests for metrics without an answer so far.
    owed: BTreeSet<String>,
    owed_bytes: usize,
}

impl Outbox {
    /// Empty.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            answers: VecDeque::new(),
            bulk_answers: VecDeque::new(),
            uses_bulk: false,
            answer_bytes: 0,
            refusal_bytes: 0,
            reserved: 0,
            reports: VecDeque::new(),
            pongs: VecDeque::new(),
            heartbeat: false,
            hello: None,
            metrics: VecDeque::new(),
            spoken: Spoken::default(),
            extras: Extras::default(),
            dialect: None,
            seals: None,
            owed: BTreeSet::new(),
            owed_bytes: 0,
        }
    }

    /// Another bound on what waits: what is there already stays, also beyond it.
    pub fn set_max_bytes(&mut self, max_bytes: usize) {
        self.limits.outbox_max_bytes = max_bytes;
    }

    /// Takes a refusal; `false` when it belongs to no id, the refusals' share is full, and it was dropped.
    #[must_use]
    pub fn refuse(&mut self, mut message: GuestMessage) -> bool {
        let has_id = matches!(message, GuestMessage::Response(_));
        let body = self.encode(&mut message, RESERVE);
        self.settle(&message);
        self.push_refusal(body, has_id)
    }

    fn push_refusal(&mut self, body: Body, has_id: bool) -> bool {
        let fits = self.refusal_bytes + body.line_bytes() <= self.refusal_share();
        if fits || has_id {
            self.push_answer(body, true);
        }
        fits || has_id
    }

    /// A request for metrics with this id is to be delivered: room is set aside for its refusal. `false` when half of the
    /// refusals' share is set aside already; the other half keeps the reading going while a collection hangs.
    #[must_use]
    pub fn owe_metrics(&mut self, id: &str) -> bool {
        let bytes = owed_bytes(id);
        if self.owed.contains(id) {
            return true;
        }
        let fits = self.owed_bytes + bytes <= self.refusal_share() / 2;
        if fits {
            self.owed.insert(id.to_owned());
            self.owed_bytes += bytes;
        }
        fits
    }

    /// The request for metrics with this id is answered, or is being refused.
    pub fn metrics_settled(&mut self, id: &str) {
        if self.owed.remove(id) {
            self.owed_bytes = self.owed_bytes.saturating_sub(owed_bytes(id));
        }
    }

    /// Bytes of the host's that may be read so that whatever they ask for finds room for its refusal; 0: write first.
    pub fn read_room(&self) -> usize {
        let taken = self.refusal_bytes + self.owed_bytes;
        let room = self.refusal_share().saturating_sub(taken) / REFUSAL_GROWTH;
        match (self.refusal_bytes, self.pongs.len(), self.hellos()) {
            // However small the bound is, it must never stop the reading for good.
            (0, 0, 0) => room.max(LEAST_READ_BYTES),
            (_, 0..=HALF_OF_PONGS, 0..=HALF_OF_HELLOS) if room >= LEAST_READ_BYTES => room,
            _ => 0,
        }
    }

    /// Takes a change of the breaker's state.
    pub fn report(&mut self, change: Change) {
        push_bounded(&mut self.reports, change, MAX_REPORTS);
    }

    /// Takes the number of a ping of the host's.
    pub fn pong(&mut self, sequence_number: u64) {
        push_bounded(&mut self.pongs, sequence_number, MAX_PONGS);
    }

    /// The same, of one whose line was not begun: it comes before the others.
    pub fn pong_first(&mut self, sequence_number: u64) {
        self.pongs.push_front(sequence_number);
    }

    /// A heartbeat is due; `false` when one waits already.
    #[must_use]
    pub fn heartbeat(&mut self) -> bool {
        !std::mem::replace(&mut self.heartbeat, true)
    }

    /// Takes the agent's description.
    pub fn hello(&mut self, hello: Hello) {
        let mut message = GuestMessage::Hello(hello);
        if self.answer_sealed(&mut message) {
            return;
        }
        let body = self.plain(&mut message, usize::MAX);
        self.hello = Some((body, self.hellos().saturating_add(1).min(MAX_HELLOS)));
    }

    /// Takes metrics; they replace those that wait, and answer the request that those would have answered. Only metrics
    /// that answer different requests wait beside each other, and not many: gives the request that is crowded out by this one.
    pub fn metrics(&mut self, mut metrics: SystemMetrics) -> Option<String> {
        let replaced = self
            .metrics
            .pop_back_if(|(_, id)| id.is_none() || metrics.request_id.is_none() || *id == metrics.request_id);
        if let Some((_, id)) = replaced {
            metrics.request_id = metrics.request_id.or(id);
        }
        let id = metrics.request_id.clone();
        let mut message = GuestMessage::SystemMetrics(metrics);
        if self.is_for_nobody(&message) {
            return None;
        }
        let body = self.encode(&mut message, usize::MAX);
        self.settle(&message);
        let full = self.metrics.len() >= MAX_METRICS;
        let crowded_out = if full { self.metrics.pop_front() } else { None };
        self.metrics.push_back((body, id));
        crowded_out.and_then(|(_, id)| id)
    }

    /// Takes a piece of output, unless it has to be left out: then `false`.
    #[must_use]
    pub fn output(&mut self, output: Output) -> bool {
        let id = output.id.clone();
        let has_room = self.extras.has_room_for_output();
        if has_room {
            let body = self.encode(&mut GuestMessage::Output(output), usize::MAX);
            self.extras.push_output(id, body);
        }
        has_room
    }

    /// Takes a sample, unless it has to be left out: then `false`.
    #[must_use]
    pub fn sample(&mut self, sample: Stream) -> bool {
        let subscription = sample.subscription;
        if self.answer_bytes > self.limits.outbox_max_bytes / 2 || !self.extras.has_room(subscription) {
            return false;
        }
        let mut message = GuestMessage::Stream(sample);
        if self.is_for_nobody(&message) {
            return false;
        }
        let body = self.encode(&mut message, usize::MAX);
        self.extras.push(subscription, body);
        true
    }

    /// The next to be written. It counts against the bound until [`Self::release`] or [`Self::restore`].
    pub fn pop(&mut self) -> Option<Item> {
        if let Some(first) = self.spoken.first() {
            return Some(Item::Greeting(first));
        }
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer);
        }
        if let Some(change) = self.reports.pop_front() {
            return Some(Item::Report(change));
        }
        if let Some(number) = self.pongs.pop_front() {
            return Some(Item::Pong(number));
        }
        if std::mem::take(&mut self.heartbeat) {
            return Some(Item::Heartbeat);
        }
        if let Some(body) = self.pop_hello() {
            return Some(Item::Hello(body));
        }
        if let Some((body, receipt)) = self.spoken.next() {
            return Some(Item::Said { body, receipt });
        }
        let metrics = self.metrics.pop_front().map(|(body, request_id)| Item::Metrics { body, request_id });
        metrics.or_else(|| self.pop_extra())
    }

    /// An item is written whole.
    pub fn release(&mut self, item: &Item) {
        if let Item::Answer { body, refusal } = item {
            self.answer_bytes = self.answer_bytes.saturating_sub(body.line_bytes());
            let refused = if *refusal { body.line_bytes() } else { 0 };
            self.refusal_bytes = self.refusal_bytes.saturating_sub(refused);
        }
        if let Item::Metrics { request_id: Some(id), .. } = item {
            self.metrics_settled(id);
        }
        if self.answers.is_empty() {
            self.answers.shrink_to(KEPT_CAPACITY);
        }
    }

    /// An item was torn: it comes first again. A heartbeat or a pong is void, and so are metrics that nobody asked for.
    pub fn restore(&mut self, item: Item) {
        match item {
            Item::Answer { .. } => self.answers.push_front(item),
            Item::Report(change) => self.reports.push_front(change),
            Item::Hello(body) => {
                let (waiting, count) = self.hello.take().unwrap_or((body, 0));
                self.hello = Some((waiting, count.saturating_add(1)));
            }
            Item::Metrics { body, request_id } => self.metrics.push_front((body, request_id)),
            Item::Said { body, receipt } => self.spoken.restore(body, receipt),
            Item::Pong(_) | Item::Heartbeat | Item::Greeting(_) | Item::Extra(_) => {}
        }
    }

    /// No host: what only the one that left was to have is dropped. Returns whether a heartbeat was among it.
    ///
    /// Pongs stay: a host's first line can be read before its connection is seen, and before its predecessor's end is.
    pub fn disconnect(&mut self) -> bool {
        self.forget_streams();
        self.metrics.retain(|(_, id)| id.is_some());
        self.spoken.disconnect();
        self.extras.disconnect();
        std::mem::take(&mut self.heartbeat)
    }

    fn holds_none_beside_extras(&self) -> bool {
        self.answers.is_empty()
            && self.reports.is_empty()
            && self.pongs.is_empty()
            && !self.heartbeat
            && self.hello.is_none()
            && self.metrics.is_empty()
            && self.spoken.is_empty()
    }

    /// Bytes of responses and errors that wait, the one being written included.
    pub fn answer_bytes(&self) -> usize {
        self.answer_bytes
    }

    /// Bytes of all that waits and is large enough to count.
    pub fn held_bytes(&self) -> usize {
        let metrics: usize = self.metrics.iter().map(|(body, _)| body.line_bytes()).sum();
        let hello = self.hello.as_ref().map_or(0, |(body, _)| body.line_bytes());
        self.answer_bytes + metrics + hello + self.spoken.bytes() + self.extras.bytes() + self.askers_bytes()
    }

    /// Requests for metrics whose answer is still to come.
    pub fn owed_requests(&self) -> usize {
        self.owed.len()
    }

    /// Commands whose answer is still to come.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    fn hellos(&self) -> u32 {
        self.hello.as_ref().map_or(0, |(_, count)| *count)
    }

    fn pop_hello(&mut self) -> Option<Body> {
        let (body, count) = self.hello.take()?;
        if count > 1 {
            self.hello = Some((body.clone(), count - 1));
        }
        Some(body)
    }

    fn refusal_share(&self) -> usize {
        self.limits.outbox_max_bytes / REFUSAL_SHARE
    }

    /// The message as any host reads it.
    fn plain(&self, message: &mut GuestMessage, max_bytes: usize) -> Body {
        let max = max_bytes.min(self.limits.max_outgoing_line_bytes);
        let Some(dialect) = &self.dialect else { return Body::encode_within(message, max) };
        fit(message, max.saturating_sub(SPELLING_BYTES));
        Body::of(&dialect.spell(message))
    }

    fn push_answer(&mut self, body: Body, refusal: bool) {
        self.answer_bytes += body.line_bytes();
        self.refusal_bytes += if refusal { body.line_bytes() } else { 0 };
        let large = self.uses_bulk && !refusal && body.line_bytes() >= LARGE_BYTES;
        let queue = if large { &mut self.bulk_answers } else { &mut self.answers };
        queue.push_back(Item::Answer { body, refusal });
    }
}

fn owed_bytes(id: &str) -> usize {
    OWED_BYTES + ID_GROWTH * id.len()
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, max: usize) {
    if queue.len() >= max {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
