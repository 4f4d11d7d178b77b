//! The link: a pure state machine over circuit breaker, back-off, keep-alive, quality, outbox and codec.
//!
//! It takes the time and an [`Event`], and says what to do by [`Action`]s. It holds no clock and does no I/O.

pub mod event;
pub mod quality;
pub mod settings;
pub mod stats;

use crate::clock::Now;
use std::time::Duration;

pub use event::{Action, Event, OpenFailure, Outgoing};
pub use quality::Quality;
pub use settings::{BreakerSettings, LinkSettings};
pub use stats::LinkStats;

/// The link. A new one wants to open at once: its first deadline is zero.
#[derive(Debug)]
pub struct Link {
    settings: LinkSettings,
    stats: LinkStats,
}

impl Link {
    /// A link that has tried nothing yet. `seed` decides the jitter of the back-off.
    pub fn new(settings: LinkSettings, _seed: u64) -> Self {
        Self { settings, stats: LinkStats::default() }
    }

    /// Takes what happened; appends what is to be done, in order.
    pub fn handle(&mut self, _now: Now, _event: Event<'_>, _actions: &mut Vec<Action>) {
        let _ = &self.settings;
    }

    /// When [`Event::Timer`] is wanted next, on the monotonic clock; `None`: never.
    pub fn next_deadline(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    /// What the port is to take next, never more than one line; empty: nothing. Starting a line stamps it with `now`.
    pub fn pending_write(&mut self, _now: Now) -> &[u8] {
        &[]
    }

    /// Whether nothing waits to be written: the shutdown has flushed.
    pub fn is_drained(&self) -> bool {
        true
    }

    /// Whether the outbox has room for one more command's answer.
    pub fn has_room(&self) -> bool {
        true
    }

    /// Whether a port is open and a host is connected, or may be (the device cannot tell).
    pub fn is_host_connected(&self) -> bool {
        false
    }

    /// The band that the last health check found.
    pub fn quality(&self) -> Quality {
        Quality::Excellent
    }

    /// Counters since the agent started.
    pub fn stats(&self) -> &LinkStats {
        &self.stats
    }
}
