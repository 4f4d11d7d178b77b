//! Answers that wait to be written. They die with the generation that asked for them.

use std::collections::VecDeque;

/// Lines in order, and how much of the first one the port has taken.
#[derive(Debug, Default)]
pub struct Outbox {
    lines: VecDeque<Vec<u8>>,
    written: usize,
    bytes: usize,
}

impl Outbox {
    /// One more line.
    pub fn push(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    /// The rest of the first line; empty: nothing waits.
    pub fn pending(&self) -> &[u8] {
        self.lines.front().and_then(|line| line.get(self.written..)).unwrap_or_default()
    }

    /// The port took this many bytes of [`Self::pending`].
    pub fn wrote(&mut self, count: usize) {
        let Some(length) = self.lines.front().map(Vec::len) else { return };
        self.written = self.written.saturating_add(count).min(length);
        if self.written == length {
            self.lines.pop_front();
            self.bytes -= length;
            self.written = 0;
        }
    }

    /// The host left: nothing of it may reach the next one, the rest of a line least of all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
