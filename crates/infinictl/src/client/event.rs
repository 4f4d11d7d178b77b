//! What comes from the guest, and the bounded queue by which a subscriber gets it.

use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::{GuestLine, measure_guest_line};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// Events that wait for one subscriber, at most.
const MAX_QUEUED_EVENTS: usize = 1024;
/// Bytes of memory, lines and what they say, that wait for one subscriber, at most; the last one always fits.
const MAX_QUEUED_BYTES: usize = 32 << 20;

/// One line of the guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it was read.
    pub received: Instant,
    /// The line as it came; empty where it was too long or not UTF-8.
    pub raw: String,
    /// What it says.
    pub content: Content,
    /// What it takes in memory, at most.
    pub memory: usize,
}

/// What a line of the guest says.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "events are shared, never moved about")]
pub enum Content {
    /// A message of the contract.
    Message(GuestMessage),
    /// A message of a type that this version does not know.
    Unknown {
        /// Its type.
        kind: String,
    },
    /// No message at all.
    Malformed {
        /// Why not.
        reason: String,
    },
}

impl Event {
    /// Reads a line.
    pub fn parse(raw: String, received: Instant) -> Self {
        let (read, memory) = match measure_guest_line(&raw) {
            Ok(measured) => measured,
            Err(error) => (Err(error), 0),
        };
        let content = match read {
            Ok(GuestLine::Known(message)) => Content::Message(message),
            Ok(GuestLine::Unknown { kind, .. }) => Content::Unknown { kind },
            Err(error) => return Self::malformed(raw, error.to_string(), received),
        };
        let memory = raw.len() + memory;
        Self { received, raw, content, memory }
    }

    /// A line that is no message.
    pub(super) fn malformed(raw: String, reason: String, received: Instant) -> Self {
        let memory = raw.len() + reason.len();
        Self { received, raw, content: Content::Malformed { reason }, memory }
    }

    /// A line of a type that is not for us.
    pub(super) fn unknown(raw: String, kind: &str, received: Instant) -> Self {
        let memory = raw.len() + kind.len();
        Self { received, raw, content: Content::Unknown { kind: kind.to_owned() }, memory }
    }

    /// The message, if it is one.
    pub fn message(&self) -> Option<&GuestMessage> {
        match &self.content {
            Content::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// Every line of the guest from the moment of subscribing, in order.
///
/// A subscriber that falls behind by 1024 events or 32 MiB of memory loses the oldest of them; nobody else notices.
#[derive(Debug)]
pub struct Subscription {
    pub(super) inbox: Arc<Inbox>,
}

impl Subscription {
    /// The next event; `None` when the connection has ended and everything was read.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            let changed = self.inbox.changed.notified();
            {
                let mut queue = self.inbox.lock();
                if let Some(event) = queue.pop() {
                    return Some(event);
                }
                if queue.ended {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// The next event, if it is there already.
    pub fn try_next(&mut self) -> Option<Arc<Event>> {
        self.inbox.lock().pop()
    }

    /// How many events were lost because they were not read in time.
    pub fn lost(&self) -> u64 {
        self.inbox.lock().lost
    }
}

/// A subscriber's queue.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    lost: u64,
    ended: bool,
}

impl Queue {
    fn pop(&mut self) -> Option<Arc<Event>> {
        let event = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(event.memory);
        Some(event)
    }

    fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.memory;
        self.events.push_back(event);
        while self.events.len() > MAX_QUEUED_EVENTS
            || (self.bytes > MAX_QUEUED_BYTES && self.events.len() > 1)
        {
            self.pop();
            self.lost += 1;
        }
    }
}

impl Inbox {
    pub(super) fn push(&self, event: Arc<Event>) {
        self.lock().push(event);
        self.changed.notify_one();
    }

    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(raw: &str) -> Arc<Event> {
        Arc::new(Event::parse(raw.into(), Instant::now()))
    }

    #[test]
    fn a_line_of_each_kind_is_told_apart() {
        let known = Event::parse(r#"{"type":"keep_alive","sequence_number":3}"#.into(), Instant::now());
        assert!(matches!(known.message(), Some(GuestMessage::KeepAlive(beat)) if beat.sequence_number == 3));
        let metrics = event(r#"{"type":"metrics","data":{"system":{"uptime_seconds":7}},"request_id":"m"}"#);
        let Some(GuestMessage::SystemMetrics(metrics)) = metrics.message() else { panic!("{metrics:?}") };
        assert_eq!((metrics.data.system.uptime_seconds, metrics.request_id.as_deref()), (7, Some("m")));
        assert_eq!(event(r#"{"type":"news"}"#).content, Content::Unknown { kind: "news".into() });
        assert!(matches!(event("{").content, Content::Malformed { .. }));
    }

    #[tokio::test]
    async fn a_slow_subscriber_loses_the_oldest_and_is_told_how_many() {
        let inbox = Arc::new(Inbox::default());
        for n in 0..MAX_QUEUED_EVENTS + 5 {
            inbox.push(event(&format!("{n}")));
        }
        inbox.end();
        let mut subscription = Subscription { inbox };
        assert_eq!(subscription.lost(), 5);
        assert_eq!(subscription.next().await.unwrap().raw, "5");
        for _ in 1..MAX_QUEUED_EVENTS {
            assert!(subscription.next().await.is_some());
        }
        assert!(subscription.next().await.is_none());
    }

    #[test]
    fn bytes_are_bounded_and_the_last_line_always_fits() {
        let mut queue = Queue::default();
        let large = event(&"x".repeat(MAX_QUEUED_BYTES / 2 + 1));
        queue.push(Arc::clone(&large));
        queue.push(Arc::clone(&large));
        assert_eq!((queue.events.len(), queue.lost), (1, 1));
        assert_eq!(queue.bytes, large.memory);
        let small = event(&format!(r#"{{"type":"news","list":[{}]}}"#, vec!["[]"; 100_000].join(",")));
        assert!(small.memory > small.raw.len() * 100, "what a line says counts, and not its length");
    }
}
