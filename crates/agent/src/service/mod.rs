//! Lifecycle: the one main loop, its schedule, its shutdown.

pub mod demand;
pub mod guidance;
pub mod notify;
pub mod schedule;
pub mod signals;
pub mod summary;
