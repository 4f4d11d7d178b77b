//! Windows programs under Wine: a prefix of its own, COM ports that are pseudo-terminals, and programs that run in it.
//!
//! One [`Prefix`] is one Windows: its registry, its services, its processes. Everything in it ends when it is dropped.

mod prefix;
mod program;
mod stand_in;

pub use prefix::Prefix;
pub use program::Running;
