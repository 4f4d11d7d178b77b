//! What a connection's tasks and its client share.

use super::error::{ClientError, Heard};
use super::event::{Event, Inbox};
use super::options::Options;
use super::pending::{Key, Pending};
use super::protection::Protection;
use infiniservice_protocol::compression::Codec;
use infiniservice_protocol::{ErrorCode, HostMessage};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{oneshot, watch};

/// The state of one connection.
pub(super) struct Shared {
    endpoint: String,
    protection: Protection,
    /// Whether compressed lines are asked for.
    pub(super) compress: bool,
    state: Mutex<State>,
    /// Whether lines are read; a test stops it to push back on the guest.
    pub(super) reading: watch::Sender<bool>,
    /// Why the connection ended.
    pub(super) ended: watch::Sender<Option<String>>,
    /// The guest's last refusal of a line of ours that names no request.
    pub(super) refused: watch::Sender<Option<(ErrorCode, String)>>,
    /// Whether anything was read yet.
    pub(super) spoken: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    pending: Pending,
    stats: LinkStats,
    inboxes: Vec<Weak<Inbox>>,
    silent: bool,
}

impl Shared {
    pub(super) fn new(endpoint: String, options: Options) -> Self {
        Self {
            compress: options.compress,
            protection: Protection::of(options),
            endpoint,
            state: Mutex::default(),
            reading: watch::Sender::new(true),
            ended: watch::Sender::new(None),
            refused: watch::Sender::new(None),
            spoken: watch::Sender::new(false),
        }
    }

    /// A message as its line, signed or sealed where the guest wants that. Each `Hello` says whether lines may come compressed.
    pub(super) fn encode(&self, message: &HostMessage) -> Vec<u8> {
        let now = SystemTime::now();
        let line = match message {
            HostMessage::Hello { id, accept } if self.compress && accept.is_empty() => {
                let message = HostMessage::Hello { id: id.clone(), accept: Codec::ALL.to_vec() };
                self.protection.encode(&message, now)
            }
            message => self.protection.encode(message, now),
        };
        line.into_bytes()
    }

    /// A line of the guest's, opened where it is sealed.
    pub(super) fn read(&self, line: String, received: Instant) -> Event {
        self.protection.read(line, received)
    }

    /// Waits for the answer with this key; an error when the connection has ended.
    pub(super) fn wait(&self, key: Key) -> Result<oneshot::Receiver<Arc<Event>>, ClientError> {
        let mut state = self.lock();
        match &*self.ended.borrow() {
            Some(reason) => Err(self.closed_because(reason)),
            None => Ok(state.pending.wait(key)),
        }
    }

    /// Adds a subscriber.
    pub(super) fn subscribe(&self) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::default());
        let mut state = self.lock();
        state.inboxes.retain(|inbox| inbox.strong_count() > 0);
        state.inboxes.push(Arc::downgrade(&inbox));
        if self.ended.borrow().is_some() {
            inbox.end();
        }
        inbox
    }

    /// Gives a line to whom it concerns: to the subscribers first, so that who has an answer finds it and all that came
    /// before it in a subscription.
    pub(super) fn deliver(&self, event: &Arc<Event>) {
        let mut state = self.lock();
        for inbox in state.inboxes.iter().filter_map(Weak::upgrade) {
            inbox.push(Arc::clone(event));
        }
        if let Some(key) = event.message().and_then(Key::of_answer) {
            let taken = state.pending.answer(&key, event);
            state.stats.stale += u64::from(!taken);
        }
    }

    /// The connection is over; the first reason counts.
    pub(super) fn end(&self, reason: impl Into<String>) {
        let mut state = self.lock();
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert_with(|| reason.into());
            first
        });
        state.inboxes.iter().filter_map(Weak::upgrade).for_each(|inbox| inbox.end());
        state.pending.end();
    }

    /// Changes the counters.
    pub(super) fn count(&self, change: impl FnOnce(&mut LinkStats)) {
        change(&mut self.lock().stats);
    }

    /// The counters as they stand.
    pub(super) fn stats(&self) -> LinkStats {
        self.lock().stats.clone()
    }

    /// Whether heartbeats are answered.
    pub(super) fn answers_heartbeats(&self) -> bool {
        !self.lock().silent
    }

    pub(super) fn set_silent(&self, silent: bool) {
        self.lock().silent = silent;
    }

    /// Where this connection leads, for people.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The error for a request on a connection that has ended.
    pub(super) fn closed(&self) -> ClientError {
        let reason = self.ended.borrow().clone();
        self.closed_because(reason.as_deref().unwrap_or("it was closed"))
    }

    /// What was heard since `before`.
    pub(super) fn heard_since(&self, before: &LinkStats) -> Heard {
        let now = self.stats();
        let error = now.last_error.filter(|_| now.errors > before.errors).or(now.refused_signature);
        let silent_for = now.last_line.map(|last| last.elapsed());
        let unreadable = now.last_malformed.filter(|_| now.malformed > before.malformed);
        Heard { lines: now.lines.saturating_sub(before.lines), error, unreadable, silent_for }
    }

    fn closed_because(&self, reason: &str) -> ClientError {
        ClientError::Closed { endpoint: self.endpoint.clone(), reason: reason.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pings that are remembered.
const KEPT_PINGS: usize = 64;

/// Counters of one connection, from its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Lines read, good or not.
    pub lines: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Lines that were no message: torn, oversized, not UTF-8, not JSON.
    pub malformed: u64,
    /// Why the last of them was none.
    pub last_malformed: Option<String>,
    /// Messages of a type that this version does not know.
    pub unknown: u64,
    /// Lines that came compressed, and could be read.
    pub compressed: u64,
    /// Whether the guest began to use the bulk port.
    pub has_bulk: bool,
    /// Lines of those that came over the bulk port.
    pub bulk_lines: u64,
    /// Answers that nobody waited for: to a predecessor, or too late.
    pub stale: u64,
    /// The guest's heartbeats.
    pub heartbeats: u64,
    /// Heartbeats that were not answered: the guest took nothing, or answering is off.
    pub heartbeats_unanswered: u64,
    /// Pings sent.
    pub pings: u64,
    /// Pings that were not answered in their time.
    pub pings_lost: u64,
    /// Round trips of the last pings, oldest first, at most 64; `None` for one that was lost.
    pub recent_pings: VecDeque<Option<Duration>>,
    /// When the last line was read.
    pub last_line: Option<Instant>,
    /// `error` messages of the guest.
    pub errors: u64,
    /// The text of the guest's last `error` message.
    pub last_error: Option<String>,
    /// Why the guest refused the signature of a line of ours, or the lack of one: it does not say so each time.
    pub refused_signature: Option<String>,
}

impl LinkStats {
    pub(super) fn pinged(&mut self, round_trip: Option<Duration>) {
        self.pings += 1;
        self.pings_lost += u64::from(round_trip.is_none());
        if self.recent_pings.len() == KEPT_PINGS {
            self.recent_pings.pop_front();
        }
        self.recent_pings.push_back(round_trip);
    }

    /// The middle one of the recent round trips.
    pub fn median_round_trip(&self) -> Option<Duration> {
        let mut answered: Vec<Duration> = self.recent_pings.iter().copied().flatten().collect();
        answered.sort_unstable();
        answered.get(answered.len() / 2).copied()
    }

    /// The last ping's round trip; `None` when it was lost, or when there was none.
    pub fn last_round_trip(&self) -> Option<Duration> {
        self.recent_pings.back().copied().flatten()
    }

    /// Share of the recent pings that were lost, 0 to 100.
    pub fn lost_percent(&self) -> f64 {
        let lost = self.recent_pings.iter().filter(|trip| trip.is_none()).count();
        if lost == 0 { 0.0 } else { lost as f64 / self.recent_pings.len() as f64 * 100.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Subscription;
    use crate::client::pending::FIRST_PING;
    use std::future::Future;
    use std::task::{Context, Wake, Waker};
    use std::time::Instant;

    /// Counts what a subscription holds at the moment when an answer wakes the one who asked.
    struct Asker {
        subscription: Mutex<Subscription>,
        found: Mutex<Option<usize>>,
    }

    impl Wake for Asker {
        fn wake(self: Arc<Self>) {
            let mut subscription = self.subscription.lock().unwrap();
            *self.found.lock().unwrap() = Some(std::iter::from_fn(|| subscription.try_next()).count());
        }
    }

    #[test]
    fn who_gets_an_answer_finds_it_in_a_subscription_already() {
        let shared = Shared::new("a pipe".into(), Options::default());
        let subscription = Mutex::new(Subscription { inbox: shared.subscribe() });
        let asker = Arc::new(Asker { subscription, found: Mutex::default() });
        let mut answer = std::pin::pin!(shared.wait(Key::Ping(FIRST_PING)).unwrap());
        let waker = Waker::from(Arc::clone(&asker));
        assert!(answer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let line = format!(r#"{{"type":"keep_alive","sequence_number":{FIRST_PING}}}"#);
        shared.deliver(&Arc::new(Event::parse(line, Instant::now())));
        assert_eq!(*asker.found.lock().unwrap(), Some(1));
    }
}
