//! Devices on Linux: virtio ports and terminals, found in /dev and /sys, waited on without polling.

mod edge;
mod kind;
pub(crate) mod open;
mod owner;
mod port;
#[cfg(test)]
mod port_tests;
pub(crate) mod scan;
mod supersede;
mod system;
#[cfg(test)]
mod system_tests;
mod terminal;
#[cfg(test)]
mod test_pty;
pub(crate) mod watch_points;
pub(crate) mod watcher;

pub(crate) use owner::{access_of, owner_of};
pub use port::LinuxPort;
pub use system::SystemTransport;
