//! What the host sees of the link.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pings that are remembered.
const KEPT_PINGS: usize = 64;

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
    /// Why the last of them was none.
    pub last_malformed: Option<String>,
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
    /// Round trips of the last pings, oldest first, at most 64; `None` for one that was lost.
    pub recent_pings: VecDeque<Option<Duration>>,
    /// When the last line was read.
    pub last_line: Option<Instant>,
    /// `error` messages of the guest.
    pub errors: u64,
    /// The text of the guest's last `error` message.
    pub last_error: Option<String>,
    /// Why the guest refused the signature of a line of ours, or the lack of one: it does not say so each time.
    pub refused_signature: Option<String>,
}

impl LinkStats {
    pub(super) fn pinged(&mut self, round_trip: Option<Duration>) {
        self.pings += 1;
        self.pings_lost += u64::from(round_trip.is_none());
        if self.recent_pings.len() == KEPT_PINGS {
            self.recent_pings.pop_front();
        }
        self.recent_pings.push_back(round_trip);
    }

    /// The middle one of the recent round trips.
    pub fn median_round_trip(&self) -> Option<Duration> {
        let mut answered: Vec<Duration> = self.recent_pings.iter().copied().flatten().collect();
        answered.sort_unstable();
        answered.get(answered.len() / 2).copied()
    }

    /// The last ping's round trip; `None` when it was lost, or when there was none.
    pub fn last_round_trip(&self) -> Option<Duration> {
        self.recent_pings.back().copied().flatten()
    }

    /// Share of the recent pings that were lost, 0 to 100.
    pub fn lost_percent(&self) -> f64 {
        let lost = self.recent_pings.iter().filter(|trip| trip.is_none()).count();
        if lost == 0 { 0.0 } else { lost as f64 / self.recent_pings.len() as f64 * 100.0 }
    }
}
