//! The time, as every pure part of the agent is given it.

pub use infiniservice_protocol::clock::Now;

/// Where a driver gets its [`Now`] from; tests inject their own.
pub trait Clock {
    /// The present moment.
    fn now(&self) -> Now;
}

mod system;

pub use system::SystemClock;
