//! File systems and block devices.

pub mod io;
pub mod probe;
pub mod usage;
