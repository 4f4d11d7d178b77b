//! The two clocks of the host.

use infiniservice_protocol::clock::Now;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime};

/// This moment. The monotonic clock counts time spent suspended: what was to happen meanwhile is late, not still to come.
pub(super) fn now() -> Now {
    let mono = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
    Now { mono, wall: SystemTime::now() }
}
