//! Streams of metrics in the loop: what hosts subscribe to, and the samples that they get.

mod book;

pub(super) use book::Book;

use super::agent::Agent;
use super::hello::NOT_OFFERED;
use super::sources::SampleTaken;
use book::{Granted, Sample, Wish};
use infiniservice_actions::Tracing;
use infiniservice_channel::transport::Transport;
use infiniservice_collector::narrowed;
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult};
use infiniservice_platform::clock::{Clock, cpu_time};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::hello::StreamLimits;
use infiniservice_protocol::host::{Subscribe, Unsubscribe, Wanted};
use infiniservice_protocol::number::millis;
use infiniservice_protocol::stream::{MAX_SUBSCRIPTIONS, Stream, StreamData};
use serde_json::json;
use std::time::Duration;

impl<T: Transport, C: Clock> Agent<T, C> {
    /// What `hello` says of streams; `None` where they are not offered.
    pub(super) fn stream_limits(&self) -> Option<StreamLimits> {
        self.profile.is_none().then(StreamLimits::default)
    }

    /// Answers a wish for a stream.
    pub(super) fn subscribe(&mut self, request: &Subscribe, tracing: Option<Tracing>) {
        // It may be of a host that came as the one before left: those streams are not its own.
        self.end_streams_without_host();
        let (now, offered) = (self.clock.now(), self.profile.is_none());
        let book = &mut self.streams.book;
        self.executor.answer_at_once(now, (&request.id, "Subscribe", &parameters(request)), tracing, || {
            if !offered {
                return Err(CommandError::new(ErrorCode::Unsupported, format!("streams are {NOT_OFFERED}")));
            }
            granted(book, now.mono, request)
        });
    }

    /// Answers a wish for a stream's end.
    pub(super) fn unsubscribe(&mut self, request: &Unsubscribe) {
        let (now, number) = (self.clock.now(), request.subscription);
        let parameters = json!({ "subscription": number }).to_string();
        let book = &mut self.streams.book;
        self.executor.answer_at_once(now, (&request.id, "Unsubscribe", &parameters), None, || {
            let ended = book.unsubscribe(now.mono, number);
            if ended { Ok(CommandOutcome::default()) } else { Err(no_stream(number)) }
        });
    }

    /// Begins the sample that is due, if one is.
    pub(super) fn take_samples(&mut self) {
        if let Some(fields) = self.streams.book.take_due(self.clock.now().mono) {
            self.sources.start_sample(fields);
        }
    }

    /// A sample was taken: each subscription that it is for gets its part.
    pub(super) fn sampled(&mut self, taken: &SampleTaken) {
        let before = cpu_time();
        let cost = taken.cost + std::mem::take(&mut self.streams.sending);
        for sample in self.streams.book.collected(cost) {
            self.send(GuestMessage::Stream(message(taken, sample)));
        }
        self.streams.sending = cpu_time().saturating_sub(before);
    }

    /// Looks whether the host left: its streams end.
    pub(super) fn end_streams_without_host(&mut self) {
        self.streams.look(self.link.is_host_connected(), self.link.stats().host_connects);
    }
}

/// The streams' books, and what the loop has to remember beside them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) book: Book,
    /// Processor time that the last samples took after they were collected.
    sending: Duration,
    had_host: bool,
    /// Hosts that came so far.
    hosts: u64,
}

impl Streams {
    /// A host that was there is gone, also where another has come in the same moment.
    fn look(&mut self, connected: bool, hosts: u64) {
        let had_host = std::mem::replace(&mut self.had_host, connected);
        let another = std::mem::replace(&mut self.hosts, hosts) != hosts;
        if had_host && (!connected || another) {
            self.book.host_gone();
        }
    }
}

fn granted(book: &mut Book, now: Duration, request: &Subscribe) -> CommandResult {
    let lease = Duration::from_secs(request.lease_secs);
    let granted = match request.wanted {
        Wanted::New { interval_ms, fields } => {
            let wish = Wish { interval: Duration::from_millis(interval_ms), fields, lease };
            book.subscribe(now, wish).ok_or_else(|| {
                let error = format!("there are {MAX_SUBSCRIPTIONS} subscriptions already, which is the most");
                CommandError::new(ErrorCode::QueueFull, error)
            })?
        }
        Wanted::Longer { subscription } => {
            book.renew(now, subscription, lease).ok_or_else(|| no_stream(subscription))?
        }
    };
    CommandOutcome::of(&told(granted))
}

fn told(granted: Granted) -> serde_json::Value {
    let Granted { number, wish, effective } = granted;
    json!({
        "subscription": number,
        "interval_ms": millis(wish.interval),
        "effective_interval_ms": millis(effective),
        "lease_secs": wish.lease.as_secs(),
        "fields": wish.fields.names().collect::<Vec<_>>(),
    })
}

fn no_stream(number: u64) -> CommandError {
    let error = format!("there is no subscription {number}; its lease may be over, or its host left");
    CommandError::new(ErrorCode::NotFound, error)
}

fn parameters(request: &Subscribe) -> String {
    let lease_secs = request.lease_secs;
    match request.wanted {
        Wanted::New { interval_ms, fields } => {
            let fields: Vec<_> = fields.names().collect();
            json!({ "interval_ms": interval_ms, "fields": fields, "lease_secs": lease_secs }).to_string()
        }
        Wanted::Longer { subscription } => {
            json!({ "subscription": subscription, "lease_secs": lease_secs }).to_string()
        }
    }
}

fn message(taken: &SampleTaken, sample: Sample) -> Stream {
    Stream {
        subscription: sample.number,
        seq: sample.seq,
        effective_interval_ms: millis(sample.effective),
        data: StreamData::of(&taken.data, sample.fields),
        collection: narrowed(&taken.collection, sample.fields),
        timestamp: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::stream::{Field, Fields};

    fn subscribed(streams: &mut Streams) -> u64 {
        let fields = Fields::from_iter([Field::Cpu]);
        let wish = Wish { interval: Duration::from_secs(1), fields, lease: Duration::from_secs(60) };
        streams.book.subscribe(Duration::ZERO, wish).expect("room").number
    }

    #[test]
    fn streams_end_with_their_host_also_where_the_next_one_comes_at_once() {
        let mut streams = Streams::default();
        // A request can be read before its host is seen.
        let early = subscribed(&mut streams);
        streams.look(true, 1);
        assert!(streams.book.renew(Duration::ZERO, early, Duration::from_secs(9)).is_some());
        streams.look(true, 1);
        assert!(streams.book.renew(Duration::ZERO, early, Duration::from_secs(9)).is_some());
        streams.look(true, 2);
        assert!(streams.book.renew(Duration::ZERO, early, Duration::from_secs(9)).is_none());
        let next = subscribed(&mut streams);
        streams.look(false, 2);
        assert!(streams.book.renew(Duration::ZERO, next, Duration::from_secs(9)).is_none());
    }
}
