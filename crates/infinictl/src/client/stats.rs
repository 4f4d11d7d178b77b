//! What the host sees of the link.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Round trips that are remembered.
const KEPT_ROUND_TRIPS: usize = 64;

/// Counters of one connection, from its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Lines read, good or not.
    pub lines: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Lines that were no message: torn, oversized, not UTF-8, not JSON.
    pub malformed: u64,
    /// Messages of a type that this version does not know.
    pub unknown: u64,
    /// Answers that nobody waited for: to a predecessor, or too late.
    pub stale: u64,
    /// The guest's heartbeats.
    pub heartbeats: u64,
    /// Heartbeats that were not answered: the guest took nothing, or answering is off.
    pub heartbeats_unanswered: u64,
    /// Pings sent.
    pub pings: u64,
    /// Pings that were not answered in their time.
    pub pings_lost: u64,
    /// The last round trips of pings, oldest first, at most 64.
    pub round_trips: VecDeque<Duration>,
    /// When the last line was read.
    pub last_line: Option<Instant>,
    /// `error` messages of the guest.
    pub errors: u64,
    /// The text of the guest's last `error` message.
    pub last_error: Option<String>,
}

impl LinkStats {
    pub(super) fn pinged(&mut self, round_trip: Option<Duration>) {
        self.pings += 1;
        let Some(round_trip) = round_trip else {
            self.pings_lost += 1;
            return;
        };
        if self.round_trips.len() == KEPT_ROUND_TRIPS {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(round_trip);
    }
}
