//! File systems and block devices.

pub mod io;
pub mod mounts;
pub mod probe;
pub mod usage;
