//! Every figure of `system_metrics` beside what the system's own tools say of the same machine.
//!
//! A tool is asked before and after a collection. Counters then have to lie between the two; what did not change in
//! between has to be equal. Where a tolerance is left it says why, and is far too small for a zero to pass.

pub mod disks;
pub mod io;
pub mod mounts;
pub mod network;
pub mod ports;
pub mod processes;
pub mod services;
pub mod system;
