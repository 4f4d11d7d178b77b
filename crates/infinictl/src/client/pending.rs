//! Which request waits for which answer.

use super::event::Event;
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::GuestMessage;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Numbers of our pings begin here, far above any heartbeat of an agent, which count from 1.
pub(crate) const FIRST_PING: u64 = 1 << 52;

/// What request and answer have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The id of a command, or of a request for metrics.
    Id(String),
    /// The number of a ping.
    Ping(u64),
    /// `hello` repeats no id.
    Hello,
}

impl Key {
    /// What the answer to a request will carry; `None` when it has none.
    pub(super) fn of_request(message: &HostMessage) -> Option<Self> {
        match message.untraced() {
            HostMessage::KeepAliveRequest { sequence_number } => Some(Self::Ping(*sequence_number)),
            HostMessage::Hello { .. } => Some(Self::Hello),
            other => other.id().map(|id| Self::Id(id.to_owned())),
        }
    }

    /// What a message of the guest may answer.
    pub(super) fn of_answer(message: &GuestMessage) -> Option<Self> {
        match message {
            GuestMessage::SystemMetrics(metrics) => metrics.request_id.clone().map(Self::Id),
            GuestMessage::Response(response) => Some(Self::Id(response.id.clone())),
            GuestMessage::BatchResult(result) => Some(Self::Id(result.id.clone())),
            GuestMessage::KeepAlive(beat) if beat.sequence_number >= FIRST_PING => {
                Some(Self::Ping(beat.sequence_number))
            }
            GuestMessage::Hello(_) => Some(Self::Hello),
            _ => None,
        }
    }
}

/// The requests in flight.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: HashMap<Key, Vec<oneshot::Sender<Arc<Event>>>>,
}

impl Pending {
    /// Waits for an answer. Waiters that gave up are forgotten here, so they do not pile up.
    pub(super) fn wait(&mut self, key: Key) -> oneshot::Receiver<Arc<Event>> {
        self.waiting.retain(|_, waiters| {
            waiters.retain(|waiter| !waiter.is_closed());
            !waiters.is_empty()
        });
        let (sender, receiver) = oneshot::channel();
        self.waiting.entry(key).or_default().push(sender);
        receiver
    }

    /// Hands an answer over; false when nobody waits for it.
    pub(super) fn answer(&mut self, key: &Key, event: &Arc<Event>) -> bool {
        let waiters = self.waiting.remove(key).unwrap_or_default();
        waiters.into_iter().filter_map(|waiter| waiter.send(Arc::clone(event)).ok()).count() > 0
    }

    /// The connection ended: nobody gets an answer any more.
    pub(super) fn end(&mut self) {
        self.waiting.clear();
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn event(raw: &str) -> Arc<Event> {
        Arc::new(Event::parse(raw.into(), Instant::now()))
    }

    #[test]
    fn an_answer_goes_to_whoever_waits_for_its_id_and_to_nobody_else() {
        let mut pending = Pending::default();
        let mut mine = pending.wait(Key::Id("a".into()));
        let mut other = pending.wait(Key::Id("b".into()));
        let answer = event(r#"{"type":"hello"}"#);
        assert!(pending.answer(&Key::Id("a".into()), &answer));
        assert!(!pending.answer(&Key::Id("a".into()), &answer));
        assert_eq!(mine.try_recv().unwrap(), answer);
        assert!(other.try_recv().is_err());
    }

    #[test]
    fn waiters_that_gave_up_are_forgotten() {
        let mut pending = Pending::default();
        for n in 0..1000 {
            drop(pending.wait(Key::Ping(FIRST_PING + n)));
        }
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn a_heartbeat_of_the_agent_is_no_answer_to_a_ping() {
        let beat = event(r#"{"type":"keep_alive","sequence_number":7}"#);
        assert_eq!(Key::of_answer(beat.message().unwrap()), None);
        let answer = event(&format!(r#"{{"type":"keep_alive","sequence_number":{FIRST_PING}}}"#));
        assert_eq!(Key::of_answer(answer.message().unwrap()), Some(Key::Ping(FIRST_PING)));
    }
}
