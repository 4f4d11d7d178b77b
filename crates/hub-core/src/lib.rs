//! The core of `infinihub`, the host's daemon that owns every guest's socket.
//!
//! Nothing here reads a clock, a file or a socket: the caller tells the time and carries the bytes, so that every rule can
//! be tested with simulated time. Guests are not trusted: whatever they send is bounded here before anything keeps it.
#![forbid(unsafe_code)]

pub mod audit;
pub mod budget;
pub mod counts;
pub mod delivery;
#[cfg(test)]
mod docs_tests;
pub mod event;
pub mod exporter;
pub mod exposition;
pub mod figures;
pub mod fleet;
pub mod histogram;
pub mod history;
pub mod job;
pub mod ledger;
mod like;
pub mod line;
pub mod machine;
pub mod otlp;
pub mod own;
pub mod pace;
pub mod policy;
pub mod request;
pub mod router;
pub mod sample;
pub mod selector;
pub mod served;
pub mod session;
pub mod spans;
pub mod tags;
pub mod trace;
pub mod which;

pub use counts::Counts;
pub use event::{Event, Events, Kind};
pub use exporter::Exporter;
pub use exposition::Exposition;
pub use fleet::Fleet;
pub use job::Planner;
pub use machine::Machine;
pub use own::Own;
pub use pace::Pace;
pub use policy::Policy;
pub use router::{Client, Router};
pub use sample::Sample;
pub use selector::Selector;
pub use session::{Session, State};
pub use which::Which;

/// A clock for tests: at 2026-11-23T06:30:00Z and so many seconds after it.
#[cfg(test)]
pub(crate) fn at(seconds: u64) -> infiniservice_protocol::clock::Now {
    let mono = std::time::Duration::from_secs(seconds);
    let wall = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_415_400) + mono;
    infiniservice_protocol::clock::Now { mono, wall }
}
