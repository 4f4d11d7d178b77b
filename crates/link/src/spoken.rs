//! Lines that only a dialect has, while they wait: what a connection begins with, and what is said later.

use super::dialect::{Line, Said};
use infiniservice_protocol::encode::Body;
use std::collections::VecDeque;

/// Lines without a receipt that wait.
const MAX_SAID: usize = 64;
/// The same of those with one.
const MAX_KEPT: usize = 1024;

/// Lines that wait.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    greeting: VecDeque<Body>,
    said: VecDeque<(Body, Option<u64>)>,
}

impl Spoken {
    /// Takes what a connection begins with, instead of what an earlier one was to begin with.
    pub(super) fn greet(&mut self, lines: &[Line]) {
        self.greeting = lines.iter().map(Body::of).collect();
    }

    /// Takes a line. Of each kind the newest are kept.
    pub(super) fn say(&mut self, said: &Said) {
        let alike = |other: &Option<u64>| other.is_some() == said.receipt.is_some();
        let most = if said.receipt.is_some() { MAX_KEPT } else { MAX_SAID };
        if self.said.iter().filter(|(_, receipt)| alike(receipt)).count() >= most
            && let Some(first) = self.said.iter().position(|(_, receipt)| alike(receipt))
        {
            self.said.remove(first);
        }
        self.said.push_back((Body::of(&said.line), said.receipt));
    }

    /// What a connection begins with goes before all else.
    pub(super) fn first(&mut self) -> Option<Body> {
        self.greeting.pop_front()
    }

    /// The next of the others, with its receipt.
    pub(super) fn next(&mut self) -> Option<(Body, Option<u64>)> {
        self.said.pop_front()
    }

    /// One that was torn: it goes again where somebody waits for its receipt.
    pub(super) fn restore(&mut self, body: Body, receipt: Option<u64>) {
        if receipt.is_some() {
            self.said.push_front((body, receipt));
        }
    }

    /// The host went: only what has a receipt is for the next one, too.
    pub(super) fn disconnect(&mut self) {
        self.greeting.clear();
        self.said.retain(|(_, receipt)| receipt.is_some());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.greeting.is_empty() && self.said.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.said.iter().map(|(body, _)| body.line_bytes()).sum()
    }
}
