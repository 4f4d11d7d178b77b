//! Devices on Linux: virtio ports and terminals, found in /dev and /sys, waited on without polling.

mod edge;
mod kind;
pub mod open;
mod owner;
mod port;
#[cfg(test)]
mod port_tests;
pub mod scan;
mod supersede;
mod system;
#[cfg(test)]
mod system_tests;
mod terminal;
#[cfg(test)]
mod test_pty;
pub mod watch_points;
pub mod watcher;

pub use owner::{access_of, owner_of};
pub use port::LinuxPort;
pub use system::SystemTransport;
