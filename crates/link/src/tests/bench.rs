//! A link with a clock of its own, and the little that tests of it need.

use super::super::*;
use infiniservice_protocol::{GuestMessage, Response};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A link with its clock and what it asked for.
pub(super) struct Bench {
    pub(super) link: Link,
    pub(super) now: Duration,
    /// The wall clock's offset.
    pub(super) wall: SystemTime,
    pub(super) actions: Vec<Action>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let link = Link::new(LinkSettings::default(), 1);
        Self {
            link,
            now: Duration::ZERO,
            wall: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            actions: Vec::new(),
        }
    }

    pub(super) fn connected() -> Self {
        let mut bench = Self::new();
        bench.event(Event::Timer);
        bench.event(Event::Port(PortEvent::Opened { path: "/dev/vport1p1", host: Some(true) }));
        bench
    }

    pub(super) fn clock(&self) -> Now {
        Now { mono: self.now, wall: self.wall + self.now }
    }

    pub(super) fn event(&mut self, event: Event<'_>) -> &[Action] {
        self.actions.clear();
        self.link.handle(self.clock(), event, &mut self.actions);
        &self.actions
    }

    pub(super) fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    /// Serves every timer until `seconds` have passed; all that was asked for.
    pub(super) fn run(&mut self, seconds: u64) -> Vec<String> {
        let end = self.now + Duration::from_secs(seconds);
        let mut asked = Vec::new();
        while let Some(due) = self.link.next_deadline().filter(|due| *due <= end) {
            assert!(asked.len() < 1000, "spins");
            self.now = self.now.max(due);
            self.event(Event::Timer);
            asked.extend(self.actions.iter().map(|action| format!("{action:?}")));
        }
        self.now = end;
        asked
    }

    pub(super) fn say(&mut self, line: &str) {
        self.event(Event::Port(PortEvent::Read(format!("{line}\n").as_bytes())));
    }

    /// Lets the port take all that waits.
    pub(super) fn written(&mut self) -> String {
        let mut out = Vec::new();
        loop {
            let clock = self.clock();
            let bytes = self.link.pending_write(clock).to_vec();
            if bytes.is_empty() {
                return String::from_utf8(out).expect("ASCII");
            }
            out.extend_from_slice(&bytes);
            self.event(Event::Port(PortEvent::Wrote(bytes.len())));
        }
    }

    pub(super) fn lines(&mut self) -> Vec<Value> {
        let text = self.written();
        text.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).expect("JSON")).collect()
    }

    pub(super) fn send(&mut self, message: GuestMessage) {
        self.event(Event::Send(Outgoing { message }));
    }

    pub(super) fn respond(&mut self, id: &str) {
        self.send(GuestMessage::Response(Response::ok(id, "ServiceList", json!({}))));
    }

    pub(super) fn asked(&self, what: fn(&Action) -> bool) -> bool {
        self.actions.iter().any(what)
    }
}
