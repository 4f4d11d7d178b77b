//! What is fuzzed: any bytes in any portions. Panics where something that must hold does not.

use crate::limits::{ANSWER_BACKLOG_BYTES, READ_BYTES};
use crate::reader::{Frame, Reader};
use crate::table::Platform;
use crate::{Action, Event, Policy, PortEvent, Reply, Session, Settings};
use infiniservice_protocol::clock::Now;
use std::time::{Duration, SystemTime};

/// Longest request here, so that the bound is met.
const MAX_REQUEST_BYTES: usize = 16 << 10;
/// Beyond the request, the backlog and one portion: what vectors keep in hand, and one answer.
const SLACK_BYTES: usize = 256 << 10;
/// Found again after anything.
const SYNC: &[u8] = b"\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":4711}}\n";
const SYNCED: &[u8] = b"\xff{\"return\":4711}\n";

/// The first byte chooses the portions, the rest is what the host sends.
pub fn session(input: &[u8]) {
    let (portion, bytes) =
        input.split_first().map_or((1, input), |(first, rest)| (usize::from(*first) + 1, rest));
    same_in_any_portions(bytes, portion);
    let mut guest = Guest::new();
    for part in bytes.chunks(portion) {
        guest.read(part);
    }
    guest.written.clear();
    guest.read(SYNC);
    assert!(guest.written.ends_with(SYNCED), "no answer after 0xFF: {}", guest.written.escape_ascii());
}

fn same_in_any_portions(bytes: &[u8], portion: usize) {
    let whole = frames([bytes].into_iter());
    assert_eq!(whole, frames(bytes.chunks(portion)));
}

fn frames<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut reader = Reader::new(MAX_REQUEST_BYTES);
    let mut frames = Vec::new();
    for mut part in parts {
        while let Some(frame) = reader.next(&mut part) {
            frames.push(frame);
        }
        assert!(reader.capacity() <= 4 * MAX_REQUEST_BYTES.max(READ_BYTES));
    }
    frames
}

/// A session whose commands all end at once.
struct Guest {
    session: Session,
    written: Vec<u8>,
}

impl Guest {
    fn new() -> Self {
        let settings =
            Settings { max_request_bytes: MAX_REQUEST_BYTES, ..Settings::new(Policy::all(Platform::Linux)) };
        let mut guest = Self { session: Session::new(settings), written: Vec::new() };
        guest.tell(Event::Port(PortEvent::Opened { path: "port", host: Some(true) }));
        guest
    }

    fn read(&mut self, bytes: &[u8]) {
        assert!(self.session.read_room() >= bytes.len());
        self.tell(Event::Port(PortEvent::Read(bytes)));
        let bound = 4 * MAX_REQUEST_BYTES.max(READ_BYTES) + ANSWER_BACKLOG_BYTES + SLACK_BYTES;
        assert!(self.session.held_bytes() <= bound, "{} bytes", self.session.held_bytes());
    }

    fn tell(&mut self, event: Event<'_>) {
        let mut actions = Vec::new();
        self.session.handle(now(), event, &mut actions);
        while !actions.is_empty() || !self.session.is_drained() {
            for action in std::mem::take(&mut actions) {
                if let Action::Execute { token, .. } = action {
                    self.session.handle(now(), Event::Finished(token, Ok(Reply::EMPTY)), &mut actions);
                }
            }
            self.write(&mut actions);
        }
    }

    fn write(&mut self, actions: &mut Vec<Action>) {
        let line = self.session.pending_write(now()).to_vec();
        if line.is_empty() {
            return;
        }
        let text = line.strip_prefix(b"\xff").unwrap_or(&line);
        assert!(text.is_ascii() && text.ends_with(b"\n") && !text[..text.len() - 1].contains(&b'\n'));
        assert!(serde_json::from_slice::<serde_json::Value>(text).is_ok(), "{}", text.escape_ascii());
        self.session.handle(now(), Event::Port(PortEvent::Wrote(line.len())), actions);
        self.written.extend(line);
    }
}

fn now() -> Now {
    Now { mono: Duration::ZERO, wall: SystemTime::UNIX_EPOCH }
}
