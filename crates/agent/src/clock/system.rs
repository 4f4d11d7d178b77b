//! The machine's own clocks.

use super::{Clock, Now};
use std::time::{Duration, SystemTime};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "portable.rs"]
mod imp;

/// [`Clock`] over the machine's clocks, starting at zero when it is made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Duration,
}

impl SystemClock {
    /// A clock that reads zero now.
    pub fn start() -> Self {
        Self { start: imp::since_boot() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { mono: imp::since_boot().saturating_sub(self.start), wall: SystemTime::now() }
    }
}
