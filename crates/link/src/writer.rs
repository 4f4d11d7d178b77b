//! The line that is being written: where it stands, and what becomes of it when the connection ends under it.

use super::keep_alive::KeepAlive;
use super::outbox::{Item, Outbox};
use infiniservice_protocol::GuestMessage;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::compression::Encoder;
use infiniservice_protocol::encode::Body;
use infiniservice_protocol::guest::KeepAlive as KeepAliveMessage;

/// Capacity that an idle writer keeps; a longer line's memory is given back once it is written.
const KEPT_CAPACITY: usize = 64 * 1024;

#[derive(Debug)]
struct Line {
    offset: usize,
    item: Item,
}

/// What the port's taking of some bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Part of a line, or the separator.
    Part,
    /// A line; whether it was a heartbeat.
    Line {
        /// Whether it was a heartbeat of ours.
        heartbeat: bool,
        /// Of a line of the dialect's whose leaving is to be told.
        receipt: Option<u64>,
    },
}

/// The writer's end of one connection.
#[derive(Debug, Default)]
pub struct Writer {
    /// A `\n` is owed: it ends whatever line the last connection tore.
    separator: bool,
    line: Option<Line>,
    /// The line's bytes; the memory serves line after line.
    bytes: Vec<u8>,
    /// What the host takes compressed; of this connection alone.
    pub(super) compression: Encoder,
}

impl Writer {
    /// A host connected: the first byte it gets is `\n`.
    pub fn connect(&mut self) {
        self.separator = true;
    }

    /// Whether something is under way.
    pub fn is_busy(&self) -> bool {
        self.separator || self.line.is_some()
    }

    /// Memory that the line being written takes, and the dictionary of the next.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.compression.held_bytes()
    }

    /// The rest of the line under way, or that of the `next` item, stamped now.
    pub fn pending(
        &mut self,
        now: Now,
        next: impl FnOnce() -> Option<Item>,
        keep_alive: &mut KeepAlive,
    ) -> &[u8] {
        if self.separator {
            return b"\n";
        }
        if self.line.is_none() {
            let Some(item) = next() else { return &[] };
            self.clear();
            stamp(&item, now, keep_alive, &mut self.bytes);
            if let Some(coded) = self.compression.encode(&self.bytes) {
                self.bytes = coded;
            }
            self.line = Some(Line { offset: 0, item });
        }
        self.line.as_ref().and_then(|line| self.bytes.get(line.offset..)).unwrap_or_default()
    }

    /// The port took `count` bytes of `pending`.
    pub fn wrote(&mut self, count: usize, outbox: &mut Outbox) -> Written {
        if count > 0 && std::mem::take(&mut self.separator) {
            return Written::Part;
        }
        let Some(line) = self.line.as_mut() else { return Written::Part };
        line.offset = line.offset.saturating_add(count);
        if line.offset < self.bytes.len() {
            return Written::Part;
        }
        self.complete(outbox)
    }

    /// The connection ended. A torn line goes back to be sent again whole.
    ///
    /// One exception: where we closed the port and only the `\n` was missing, the next connection's first byte completes
    /// the line for a host that never left; sending it again would answer one command twice.
    pub fn abandon(&mut self, host_left: bool, outbox: &mut Outbox) {
        self.separator = false;
        self.compression.end();
        let Some(line) = self.line.take() else { return };
        let only_newline_missing = line.offset + 1 == self.bytes.len();
        match line.item {
            item if only_newline_missing && !host_left => outbox.release(&item),
            // The port took nothing of it, so it may be for the host that comes: its first line can be read before its
            // connection is seen.
            Item::Pong(number) if line.offset == 0 => outbox.pong_first(number),
            item => outbox.restore(item),
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
    }

    fn complete(&mut self, outbox: &mut Outbox) -> Written {
        let Some(line) = self.line.take() else { return Written::Part };
        outbox.release(&line.item);
        self.clear();
        let receipt = if let Item::Said { receipt, .. } = line.item { receipt } else { None };
        Written::Line { heartbeat: matches!(line.item, Item::Heartbeat), receipt }
    }
}

fn stamp(item: &Item, now: Now, keep_alive: &mut KeepAlive, out: &mut Vec<u8>) {
    match item {
        Item::Answer { body, .. }
        | Item::Hello(body)
        | Item::Metrics { body, .. }
        | Item::Greeting(body)
        | Item::Extra(body)
        | Item::Said { body, .. } => {
            body.finish(now.wall, out);
        }
        Item::Report(change) => small(&GuestMessage::CircuitBreakerState(change.report(now)), now, out),
        Item::Pong(number) => small(&keep_alive_message(*number), now, out),
        Item::Heartbeat => small(&keep_alive_message(keep_alive.start(now.mono)), now, out),
    }
}

fn small(message: &GuestMessage, now: Now, out: &mut Vec<u8>) {
    Body::encode(message).finish(now.wall, out);
}

fn keep_alive_message(sequence_number: u64) -> GuestMessage {
    GuestMessage::KeepAlive(KeepAliveMessage { sequence_number, timestamp: None })
}
