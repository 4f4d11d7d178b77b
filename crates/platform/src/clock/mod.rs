//! The time, as every pure part of the agent is given it, and the machine's own clocks.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

pub use infiniservice_protocol::clock::Now;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(not(target_os = "linux"))]
use portable as imp;
use std::time::{Duration, SystemTime};

/// Where a driver gets its [`Now`] from; tests inject their own.
pub trait Clock {
    /// The present moment.
    fn now(&self) -> Now;
}

/// Processor time of this process so far. Where the system does not count it finely enough (Windows), the time that passed, which is
/// more.
pub fn cpu_time() -> Duration {
    imp::cpu_time()
}

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
