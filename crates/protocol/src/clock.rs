//! The time, as every pure part of the agent is given it.

use std::time::{Duration, SystemTime};

/// One moment on two clocks. Deadlines are reckoned on `mono` only, so a wall clock that jumps moves none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the agent started; never goes back. Counts time spent suspended (`CLOCK_BOOTTIME`).
    pub mono: Duration,
    /// For timestamps on the wire.
    pub wall: SystemTime,
}
