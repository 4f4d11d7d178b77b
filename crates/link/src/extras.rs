//! What goes out after everything else, and may be lost: what programs write while they run, and samples of streams. Each says by
//! its number that others before it were.
//!
//! Of output at most 1 MiB waits; what comes when that is full is dropped, and what waits when its command's response comes, which has
//! all of it.
//!
//! One sample of each subscription waits. Where it was not yet written when the next one comes, or where answers fill half of the
//! outbox, the new one is dropped: a host that reads slowly gets fewer samples, and nothing grows.

use infiniservice_protocol::encode::Body;
use infiniservice_protocol::stream::MAX_SUBSCRIPTIONS;
use std::collections::VecDeque;

/// Output that waits, in bytes on the wire.
const OUTPUT_MAX_BYTES: usize = 1 << 20;

/// Samples that wait, with their subscriptions, and output, with its commands' ids.
#[derive(Debug, Default)]
pub(super) struct Extras {
    samples: VecDeque<(u64, Body)>,
    output: VecDeque<(String, Body)>,
    output_bytes: usize,
}

impl Extras {
    /// Whether a sample of this subscription may wait: none does so far, and not too many of others that ended.
    pub(super) fn has_room(&self, subscription: u64) -> bool {
        let waits = self.samples.iter().any(|(number, _)| *number == subscription);
        !waits && self.samples.len() < MAX_SUBSCRIPTIONS
    }

    /// Takes a sample.
    pub(super) fn push(&mut self, subscription: u64, body: Body) {
        self.samples.push_back((subscription, body));
    }

    /// Whether a piece of output may wait.
    pub(super) fn has_room_for_output(&self) -> bool {
        self.output_bytes < OUTPUT_MAX_BYTES
    }

    /// Takes a piece of output.
    pub(super) fn push_output(&mut self, id: String, body: Body) {
        self.output_bytes += body.line_bytes();
        self.output.push_back((id, body));
    }

    /// A command's response is there: what waits of its output says nothing more.
    pub(super) fn answered(&mut self, id: &str) {
        self.output.retain(|(of, _)| of != id);
        self.output_bytes = self.output.iter().map(|(_, body)| body.line_bytes()).sum();
    }

    /// The next to be written.
    pub(super) fn pop(&mut self) -> Option<Body> {
        if let Some((_, body)) = self.output.pop_front() {
            self.output_bytes = self.output_bytes.saturating_sub(body.line_bytes());
            return Some(body);
        }
        self.samples.pop_front().map(|(_, body)| body)
    }

    /// The host went: they were for it alone.
    pub(super) fn disconnect(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.output.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.samples.iter().map(|(_, body)| body.line_bytes()).sum::<usize>() + self.output_bytes
    }
}

#[cfg(test)]
#[path = "extras_tests.rs"]
mod tests;
