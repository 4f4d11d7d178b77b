//! Devices on Linux: virtio ports and terminals, found in /dev and /sys, waited on without polling.

mod either;
mod node;
pub(crate) mod open;
mod port;
#[cfg(test)]
mod port_tests;
pub(crate) mod scan;
mod system;
#[cfg(test)]
mod system_tests;
#[cfg(test)]
mod test_pty;
mod vsock;
#[cfg(test)]
mod vsock_tests;
pub(crate) mod watch_targets;
pub(crate) mod watcher;

pub use either::SystemPort;
pub(crate) use node::{access_of, owner_of};
pub use port::LinuxPort;
pub use system::SystemTransport;
