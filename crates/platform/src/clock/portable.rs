//! `Instant`, which on Windows counts the time that the machine slept.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(super) fn since_boot() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

pub(super) fn cpu_time() -> Duration {
    since_boot()
}
