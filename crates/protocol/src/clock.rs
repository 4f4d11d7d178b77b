//! The time, as every pure part of the agent is given it.

use crate::timestamp::unix_millis;
use std::time::{Duration, SystemTime};

/// One moment on two clocks. Deadlines are reckoned on `mono` only, so a wall clock that jumps moves none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the agent started; never goes back. Counts time spent suspended (`CLOCK_BOOTTIME`).
    pub mono: Duration,
    /// For timestamps on the wire.
    pub wall: SystemTime,
}

impl Now {
    /// The wall clock in milliseconds since 1970.
    pub fn wall_ms(self) -> u64 {
        unix_millis(self.wall)
    }
}
