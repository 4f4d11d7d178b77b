//! systemd over D-Bus: its services, and operations on one of them.
//!
//! Nothing here listens while it is idle: no signal is subscribed to beyond the life of one operation.

mod after;
pub mod bus;
mod calls;
pub mod client;
pub mod control;
mod details;
pub mod ends;
pub mod error;
mod failure;
mod guard;
mod job;
mod list;
pub mod name;
mod power;
pub mod progress;
pub mod record;
pub mod scope;
mod sessions;
mod settle;
mod starts;
mod startup;
mod unit;
mod unit_files;

#[cfg(test)]
mod guard_tests;
#[cfg(any(test, feature = "testing"))]
pub mod own_manager;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth_tests;
pub use bus::BusAddress;
pub use client::UnitClient;
pub use control::Done;
pub use error::SystemdError;
pub use power::Rest;
pub use progress::Progress;
pub use record::ServiceRecord;
pub use sessions::LoggedIn;
