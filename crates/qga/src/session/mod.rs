//! The session: requests in order, answers in order, and what a sync or the host's leaving ends.
//!
//! Requests are carried out one after the other. A generation ends with each sync that overtakes a command and with each host
//! that leaves: what waited is forgotten, and the command that runs is detached. It runs on, but its answer is dropped, as the
//! next client would take it for its own.

mod serve;

use crate::answer::Outbox;
use crate::envelope::{Envelope, NoRequest, open};
use crate::event::{Action, Event, Stats, Token};
use crate::freeze::FreezeState;
use crate::json::Json;
use crate::limits::{
    ANSWER_BACKLOG_BYTES, HALF_READ_KEPT, MAX_QUEUED_REQUESTS, MAX_REQUEST_BYTES, READ_BYTES, SYNC_TIMEOUT,
};
use crate::policy::Policy;
use crate::reader::{Frame, Reader};
use crate::table::Row;
use infiniservice_link::second_port::SecondPort;
use infiniservice_link::{self as link, PortEvent};
use infiniservice_protocol::clock::Now;
use log::Level;
use std::collections::VecDeque;
use std::time::Duration;

/// What the log calls it.
const PORT_NAME: &str = "QEMU guest agent's port";
/// Requests that wait are no longer read once they have this many bytes in all.
const QUEUED_BYTES: usize = 1 << 20;

/// What a session is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which commands are on.
    pub policy: Policy,
    /// Longest request.
    pub max_request_bytes: usize,
    /// Whether [`PortEvent::DevicesChanged`] tells of a port that comes or is let go: then no timer has to look for it.
    pub devices_are_watched: bool,
    /// Decides the jitter of the back-off.
    pub seed: u64,
}

impl Settings {
    /// The usual bounds with this policy.
    pub fn new(policy: Policy) -> Self {
        Self { policy, max_request_bytes: MAX_REQUEST_BYTES, devices_are_watched: false, seed: 0 }
    }
}

/// Something that is to be answered.
#[derive(Debug)]
struct Item {
    /// A request, or why it is none.
    request: Result<Envelope, NoRequest>,
    bytes: usize,
}

/// A command that was handed on.
#[derive(Debug)]
struct Running {
    token: Token,
    row: &'static Row,
    id: Option<Json>,
}

/// The session. A new one wants to open its port at once.
#[derive(Debug)]
pub struct Session {
    policy: Policy,
    freeze: FreezeState,
    port: SecondPort,
    reader: Reader,
    /// Bytes that were read and not looked at so far, as there was no room.
    input: Vec<u8>,
    /// When a byte came last.
    grown: Duration,
    queue: VecDeque<Item>,
    queued_bytes: usize,
    running: Option<Running>,
    /// Commands that run on, for nobody.
    detached: Vec<Running>,
    /// Until when a sync waits for what is before it.
    sync_deadline: Option<Duration>,
    outbox: Outbox,
    next_token: u64,
    stats: Stats,
}

impl link::Session for Session {
    type Action = Action;

    fn handle(&mut self, now: Now, event: PortEvent<'_>, actions: &mut Vec<Action>) {
        Self::handle(self, now, Event::Port(event), actions);
    }

    fn pending_write(&mut self, now: Now) -> &[u8] {
        Self::pending_write(self, now)
    }

    fn read_room(&self) -> usize {
        Self::read_room(self)
    }
}

impl Session {
    /// A session that has tried nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            policy: settings.policy,
            freeze: FreezeState::Thawed,
            port: SecondPort::new(PORT_NAME, settings.seed, settings.devices_are_watched),
            reader: Reader::new(settings.max_request_bytes),
            input: Vec::new(),
            grown: Duration::ZERO,
            queue: VecDeque::new(),
            queued_bytes: 0,
            running: None,
            detached: Vec::new(),
            sync_deadline: None,
            outbox: Outbox::default(),
            next_token: 0,
            stats: Stats::default(),
        }
    }

    /// Other commands are on, from the next request on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Takes what happened; appends what is to be done, in order. Deadlines that have come are served by every event.
    pub fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let could_write = self.can_write();
        self.take(now.mono, event, actions);
        if self.port.run_timer(now.mono) {
            actions.push(Action::Open);
        }
        self.advance(now.mono, actions);
        if self.can_write() && !could_write {
            actions.push(Action::Write);
        }
    }

    /// When [`Event::Timer`] is wanted next, on the monotonic clock; `None`: never.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.port.deadline().into_iter().chain(self.sync_deadline).min()
    }

    /// What the port is to take next, never more than one line; empty: nothing.
    pub fn pending_write(&mut self, _now: Now) -> &[u8] {
        if self.port.has_host() { self.outbox.pending() } else { &[] }
    }

    /// Bytes that may be read now. A host that asks faster than it reads is held up by its own answers.
    pub fn read_room(&self) -> usize {
        if self.input.is_empty() && self.has_room() { READ_BYTES } else { 0 }
    }

    /// Whether nothing waits to be written.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Whether a port is open and a host is connected, or may be (the device cannot tell).
    pub fn is_host_connected(&self) -> bool {
        self.port.has_host()
    }

    /// Whether the port is there and another program holds it.
    pub fn is_port_held(&self) -> bool {
        self.port.is_held()
    }

    /// Bytes that the session holds in all.
    pub fn held_bytes(&self) -> usize {
        self.outbox.bytes() + self.reader.capacity() + self.input.capacity() + self.queued_bytes
    }

    /// Commands that run, with those that nobody waits for.
    pub fn running(&self) -> usize {
        usize::from(self.running.is_some()) + self.detached.len()
    }

    /// Counters since the agent started.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn can_write(&self) -> bool {
        self.port.has_host() && !self.outbox.is_empty()
    }

    fn has_room(&self) -> bool {
        let queue = self.queue.len() < MAX_QUEUED_REQUESTS && self.queued_bytes < QUEUED_BYTES;
        queue && self.outbox.bytes() < ANSWER_BACKLOG_BYTES
    }

    fn take(&mut self, now: Duration, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Port(PortEvent::Opened { path, host }) => {
                self.forget_host();
                self.port.opened(host.unwrap_or(true));
                actions.push(Action::Log(Level::Info, format!("{path} is served as a {PORT_NAME}")));
            }
            Event::Port(PortEvent::OpenFailed(failure)) => {
                let words = self.port.open_failed(now, failure);
                actions.extend(words.map(|(level, text)| Action::Log(level, text)));
            }
            Event::Port(PortEvent::HostConnected) => self.port.set_host(true),
            Event::Port(PortEvent::HostDisconnected) => {
                self.stats.hosts_left += 1;
                self.port.set_host(false);
                self.forget_host();
            }
            Event::Port(PortEvent::Read(bytes)) => self.read(now, bytes),
            Event::Port(PortEvent::Wrote(count)) => {
                self.stats.bytes_out += count as u64;
                self.outbox.wrote(count);
            }
            Event::Port(PortEvent::IoFailed(reason)) => self.lost(now, reason, actions),
            Event::Port(PortEvent::DeviceGone) => self.lost(now, "its device is gone".to_owned(), actions),
            Event::Port(PortEvent::DevicesChanged) => self.port.devices_changed(now),
            Event::Finished(token, result) => self.finished(token, result),
            Event::FreezeChanged(state) => self.freeze = state,
            Event::Timer => {}
        }
    }

    fn lost(&mut self, now: Duration, reason: String, actions: &mut Vec<Action>) {
        self.forget_host();
        self.port.lost(now);
        actions.push(Action::Close(reason));
    }

    /// What a host left behind is nobody's. Files, programs and a freeze of its stay: clients connect anew for each command.
    fn forget_host(&mut self) {
        drop(self.reader.reset());
        self.input = Vec::new();
        self.outbox.clear();
        self.overtake(self.queue.len());
    }

    fn read(&mut self, now: Duration, bytes: &[u8]) {
        self.stats.bytes_in += bytes.len() as u64;
        let idle = now.saturating_sub(std::mem::replace(&mut self.grown, now));
        if self.reader.is_pending()
            && idle > HALF_READ_KEPT
            && let Some(frame) = self.reader.reset()
        {
            self.queue(frame);
        }
        self.input.extend_from_slice(bytes);
    }

    /// Goes as far as it can without further events.
    fn advance(&mut self, now: Duration, actions: &mut Vec<Action>) {
        loop {
            self.fill();
            if self.sync_deadline.is_some_and(|end| end <= now)
                && let Some(at) = self.first_sync()
            {
                self.overtake(at);
            }
            if !self.serve(actions) && (self.input.is_empty() || !self.has_room()) {
                break;
            }
        }
        let waits = self.first_sync().is_some();
        self.sync_deadline =
            if waits { self.sync_deadline.or(Some(now.saturating_add(SYNC_TIMEOUT))) } else { None };
    }

    /// Looks at what was read, as far as there is room for it.
    fn fill(&mut self) {
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        while self.has_room() {
            let Some(frame) = self.reader.next(&mut rest) else { break };
            self.queue(frame);
        }
        if !rest.is_empty() {
            self.input = rest.to_vec();
        }
    }

    fn queue(&mut self, frame: Frame) {
        let item = match frame {
            Frame::Value { json, bytes } => {
                self.stats.requests += 1;
                Item { request: open(json), bytes }
            }
            Frame::Bad(error) => {
                self.stats.unreadable += 1;
                Item { request: Err(NoRequest { error, id: None }), bytes: 0 }
            }
        };
        self.queued_bytes += item.bytes;
        self.queue.push_back(item);
    }
}
