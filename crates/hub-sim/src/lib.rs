//! Simulated guests: each listens on a Unix socket as QEMU does for a machine, serves one client at a time, and speaks as an
//! agent does, with the figures of a recorded line. Faults can be given to each.
//!
//! What they carry out they count, by id, so that a test can see whether anything was done twice.
#![forbid(unsafe_code)]

pub mod fault;
pub mod guest;
pub mod lines;
mod tally;
pub mod variety;

pub use fault::Fault;
pub use guest::{Guest, Options};
pub use tally::Said;
