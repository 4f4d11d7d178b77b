//! What is simulated: the link, or one broken on purpose, to prove that the simulator would notice.

use super::super::{Action, BulkAction, Event, Link, LinkSettings, Outgoing, PortEvent, Session as _};
use infiniservice_protocol::GuestMessage;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::compression::Encoder;
use infiniservice_protocol::guest::BreakerState;
use std::time::Duration;

/// A way to break the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Some responses vanish.
    DropResponse,
    /// Some responses go twice.
    DoubleResponse,
    /// Some responses overtake each other.
    SwapResponses,
    /// The first byte of a connection is not a newline.
    SkipNewline,
    /// The host's leaving goes unnoticed.
    MissDisconnect,
    /// Some writes are taken for longer than they were.
    OvercountWrite,
    /// The timer is always due.
    Spin,
    /// It wakes up though no host is connected.
    WakeWhileAway,
    /// After some time no port is opened any more.
    StopOpening,
    /// News of a device goes unheard.
    DeafToDevices,
    /// Heartbeats come too seldom.
    SlowHeartbeat,
    /// The outbox is larger than allowed.
    Unbounded,
    /// Lines carry a time before that of their writing.
    StampEarly,
    /// Each retry is logged.
    LogEachRetry,
    /// Some results of batches vanish.
    DropBatchResult,
    /// Room for answers that will not come stays set aside.
    ForgetSpared,
    /// Output comes after the next response.
    LateOutput,
    /// Samples come again.
    RepeatSample,
    /// Who comes after a host that asked for compressed lines gets them too.
    CompressUnasked,
    /// Lines refer to what only the host before has.
    KeepDictionary,
    /// A host that lost its place is not heard.
    IgnoreReset,
    /// The bulk port is used on although its host does not read.
    NeverFallBack,
    /// The leaving of the bulk port's host goes unnoticed.
    MissBulkDisconnect,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::DropResponse,
        Self::DoubleResponse,
        Self::SwapResponses,
        Self::SkipNewline,
        Self::MissDisconnect,
        Self::OvercountWrite,
        Self::Spin,
        Self::WakeWhileAway,
        Self::StopOpening,
        Self::DeafToDevices,
        Self::SlowHeartbeat,
        Self::Unbounded,
        Self::StampEarly,
        Self::LogEachRetry,
        Self::DropBatchResult,
        Self::ForgetSpared,
        Self::LateOutput,
        Self::RepeatSample,
        Self::CompressUnasked,
        Self::KeepDictionary,
        Self::IgnoreReset,
        Self::NeverFallBack,
        Self::MissBulkDisconnect,
    ];
}

/// The link, with a mutation or none.
#[derive(Debug)]
pub struct Subject {
    link: Link,
    mutation: Option<Mutation>,
    count: u64,
    held: Option<GuestMessage>,
    /// What was compressed for a host that went.
    kept: Option<Encoder>,
    now: Now,
}

impl Subject {
    /// A link of these settings, broken or not.
    pub fn new(mut settings: LinkSettings, seed: u64, has_bulk: bool, mutation: Option<Mutation>) -> Self {
        match mutation {
            Some(Mutation::SlowHeartbeat) => settings.keep_alive_interval *= 2,
            Some(Mutation::Unbounded) => settings.limits.outbox_max_bytes *= 64,
            _ => {}
        }
        let now = Now { mono: Duration::ZERO, wall: std::time::UNIX_EPOCH };
        let link = Link::new(settings, seed);
        let link = if has_bulk { link.with_bulk("model", seed, true) } else { link };
        Self { link, mutation, count: 0, held: None, kept: None, now }
    }

    /// As [`Link::handle`].
    pub fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        self.now = now;
        if self.mutation.is_none() {
            return self.link.handle(now, event, actions);
        }
        let compression = self.link.writer.compression.clone();
        match (self.mutation, event) {
            (Some(mutation), Event::Send(Outgoing { message })) => self.send(now, mutation, message, actions),
            (Some(Mutation::MissDisconnect), Event::Port(PortEvent::HostDisconnected))
            | (Some(Mutation::DeafToDevices), Event::Port(PortEvent::DevicesChanged))
            | (Some(Mutation::ForgetSpared), Event::Spared(_)) => {}
            (Some(Mutation::OvercountWrite), Event::Port(PortEvent::Wrote(count))) => {
                let more = usize::from(self.nth(97));
                self.link.handle(now, Event::Port(PortEvent::Wrote(count + more)), actions);
            }
            (_, event) => self.link.handle(now, event, actions),
        }
        self.break_actions(actions);
        self.break_compression(compression);
    }

    /// As [`Link::next_deadline`].
    pub fn next_deadline(&self) -> Option<Duration> {
        let deadline = self.link.next_deadline();
        match self.mutation {
            Some(Mutation::Spin) => Some(Duration::ZERO),
            Some(Mutation::WakeWhileAway) => deadline.or(Some(self.now.mono + Duration::from_secs(5))),
            _ => deadline,
        }
    }

    /// As [`Link::pending_write`].
    pub fn pending_write(&mut self, mut now: Now) -> &[u8] {
        if self.mutation == Some(Mutation::StampEarly) {
            now.wall -= Duration::from_millis(500);
        }
        if self.mutation == Some(Mutation::SkipNewline) && self.link.pending_write(now) == b"\n" {
            self.link.handle(now, Event::Port(PortEvent::Wrote(1)), &mut Vec::new());
        }
        self.link.pending_write(now)
    }

    /// As of [`Link::bulk`]'s session.
    pub fn bulk_handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<BulkAction>) {
        match (self.mutation, event) {
            (Some(Mutation::MissBulkDisconnect), PortEvent::HostDisconnected | PortEvent::HostConnected) => {}
            (_, event) => self.link.bulk().handle(now, event, actions),
        }
    }

    /// The same.
    pub fn bulk_timer(&mut self, now: Now, actions: &mut Vec<BulkAction>) {
        self.link.bulk().timer(now, actions);
    }

    /// As [`Link::bulk_deadline`].
    pub fn bulk_deadline(&self) -> Option<Duration> {
        let deadline = self.link.bulk_deadline();
        let never = self.mutation == Some(Mutation::NeverFallBack) && self.link.uses_bulk();
        deadline.filter(|_| !never)
    }

    /// What the bulk port is to take next.
    pub fn bulk_pending_write(&mut self, now: Now) -> Vec<u8> {
        self.link.bulk().pending_write(now).to_vec()
    }

    /// The link's state as the invariants want it.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Whether host and guest are in touch and all is well.
    pub fn is_healthy(&self) -> bool {
        self.link.is_host_connected() && self.link.breaker_state() == BreakerState::Closed
    }

    fn send(&mut self, now: Now, mutation: Mutation, message: GuestMessage, actions: &mut Vec<Action>) {
        let response = matches!(message, GuestMessage::Response(_));
        let chosen = response && self.nth(11);
        let mut pass = |message| self.link.handle(now, Event::Send(Outgoing { message }), actions);
        match mutation {
            Mutation::DropResponse if chosen => {}
            Mutation::DoubleResponse if chosen => {
                pass(message.clone());
                pass(message);
            }
            Mutation::SwapResponses if chosen && self.held.is_none() => self.held = Some(message),
            Mutation::DropBatchResult if matches!(message, GuestMessage::BatchResult(_)) => {}
            Mutation::LateOutput if matches!(message, GuestMessage::Output(_)) => self.held = Some(message),
            Mutation::LateOutput if !response => pass(message),
            Mutation::RepeatSample if matches!(message, GuestMessage::Stream(_)) => {
                let before = self.held.replace(message.clone());
                pass(before.unwrap_or(message));
            }
            _ => {
                pass(message);
                self.held.take().into_iter().for_each(pass);
            }
        }
    }

    fn break_actions(&mut self, actions: &mut Vec<Action>) {
        match self.mutation {
            Some(Mutation::StopOpening) if self.now.mono > Duration::from_secs(7200) => {
                actions.retain(|action| !matches!(action, Action::Open));
            }
            Some(Mutation::LogEachRetry) => actions.iter_mut().for_each(|action| {
                if let Action::Log(level, _) = action {
                    *level = (*level).min(log::Level::Warn);
                }
            }),
            _ => {}
        }
    }

    fn break_compression(&mut self, before: Encoder) {
        let went = before.is_on() && !self.link.is_host_connected();
        let now = &mut self.link.writer.compression;
        let begins_anew = now.is_on() && now.held_bytes() == 0;
        match self.mutation {
            Some(Mutation::CompressUnasked) if went => *now = before,
            Some(Mutation::KeepDictionary) if went => self.kept = Some(before),
            Some(Mutation::KeepDictionary) if begins_anew => {
                self.kept.take().into_iter().for_each(|kept| *now = kept);
            }
            Some(Mutation::IgnoreReset) if begins_anew && before.is_on() => *now = before,
            _ => {}
        }
    }

    fn nth(&mut self, n: u64) -> bool {
        self.count += 1;
        self.count.is_multiple_of(n)
    }
}
