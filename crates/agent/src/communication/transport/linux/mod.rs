//! Devices on Linux: virtio ports and terminals, found in /dev and /sys, waited on without polling.

mod edge;
mod kind;
pub mod open;
mod owner;
mod port;
#[cfg(test)]
mod port_tests;
mod register_unsafe;
pub mod scan;
mod system;
mod terminal;
#[cfg(test)]
mod test_pty;

pub use owner::{access_of, owner_of};
pub use port::LinuxPort;
pub use system::SystemTransport;
