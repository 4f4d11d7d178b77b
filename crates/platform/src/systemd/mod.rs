//! systemd over D-Bus: its services, and operations on one of them.
//!
//! Nothing here listens while it is idle: no signal is subscribed to beyond the life of one operation.

mod after;
mod calls;
pub(crate) mod client;
pub mod control;
mod details;
pub mod ends;
pub(crate) mod error;
mod guard;
mod job;
mod list;
pub mod name;
mod power;
pub(crate) mod record;
mod sessions;
mod startup;
mod unit;

#[cfg(test)]
mod guard_tests;
#[cfg(any(test, feature = "testing"))]
pub mod own_manager;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth_tests;
pub use calls::BusAddress;
pub use client::UnitClient;
pub use control::Done;
pub use error::SystemdError;
pub use job::Progress;
pub use job::start_scope;
pub use power::Rest;
pub use record::ServiceRecord;
pub use sessions::LoggedIn;
