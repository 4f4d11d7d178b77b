//! The channel to the host: finding and watching the device, moving bytes between it and the link that decides, and `--diagnose`.
#![forbid(unsafe_code)]

pub mod diagnose;
pub mod driver;
pub mod transport;
