//! What is true of devices on Windows and can be told anywhere: error codes, device names, the order of candidates.

pub mod codes;
pub mod paths;
