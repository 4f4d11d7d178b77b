//! `CLOCK_BOOTTIME`: monotonic, and it counts the time that the machine slept (`clock_gettime(2)`).

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

pub(super) fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

pub(super) fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
