//! A session under test with a port that takes everything, and commands that the test ends.

use crate::table::Platform;
use crate::{Action, Event, FreezeState, Policy, PortEvent, Reply, Request, Session, Settings, Token};
use infiniservice_protocol::clock::Now;
use std::time::{Duration, SystemTime};

/// A guest in which nothing happens by itself.
pub struct Guest {
    pub session: Session,
    pub now: Duration,
    /// Commands that were handed on and have no end so far.
    pub running: Vec<(Token, Request)>,
    pub actions: Vec<Action>,
    /// Whether the port takes bytes.
    pub writable: bool,
    written: Vec<u8>,
}

impl Guest {
    pub fn new() -> Self {
        Self::with(Policy::all(Platform::Linux))
    }

    pub fn with(policy: Policy) -> Self {
        let session = Session::new(Settings::new(policy));
        let now = Duration::from_secs(100);
        let (running, actions, written) = (Vec::new(), Vec::new(), Vec::new());
        let mut guest = Self { session, now, running, actions, writable: true, written };
        guest.tell(Event::Timer);
        guest.tell(Event::Port(PortEvent::Opened { path: "port", host: Some(true) }));
        guest
    }

    /// A moment later.
    pub fn later(&mut self, wait: Duration) {
        self.now += wait;
        self.tell(Event::Timer);
    }

    pub fn tell(&mut self, event: Event<'_>) {
        let mut actions = Vec::new();
        self.session.handle(self.time(), event, &mut actions);
        for action in actions {
            match action {
                Action::Execute { token, request, .. } => self.running.push((token, request)),
                other => self.actions.push(other),
            }
        }
        self.write();
    }

    pub fn write(&mut self) {
        let now = self.time();
        let line = self.session.pending_write(now).to_vec();
        if self.writable && !line.is_empty() {
            self.written.extend(&line);
            self.tell(Event::Port(PortEvent::Wrote(line.len())));
        }
    }

    /// The host sends this.
    pub fn send(&mut self, text: &str) {
        self.tell(Event::Port(PortEvent::Read(text.as_bytes())));
    }

    /// The oldest command ends.
    pub fn finish(&mut self, reply: Reply) {
        let (token, _) = self.running.remove(0);
        self.tell(Event::Finished(token, Ok(reply)));
    }

    pub fn freeze(&mut self, state: FreezeState) {
        self.tell(Event::FreezeChanged(state));
    }

    /// What the host read since it was asked last.
    pub fn written(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }

    /// The same as text; the sentinel is shown as `^`.
    pub fn answers(&mut self) -> String {
        self.written().iter().map(|byte| if *byte == 0xFF { '^' } else { char::from(*byte) }).collect()
    }

    fn time(&self) -> Now {
        Now { mono: self.now, wall: SystemTime::UNIX_EPOCH }
    }
}
