//! The channel to the host: finding and watching the device, moving bytes, and the link that decides.

pub mod diagnose;
pub mod driver;
pub mod link;
pub mod transport;
