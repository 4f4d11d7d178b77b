//! The channel to the host: finding and watching the device, moving bytes, and the link that decides.

pub mod diagnose;
pub mod driver;
pub mod transport;

/// The link that decides: a crate of its own, so that nothing of the operating system can get into it.
pub use infiniservice_link as link;
