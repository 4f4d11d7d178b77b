//! The ledger: what the hub must not forget of its jobs, as lines of a file that is only ever appended to.
//!
//! Each line is a checksum, a blank and a JSON object, so that a tail that was being written when the power went is told
//! from a file that is damaged. The first line says the format's version.

mod outcome;
mod record;
mod replay;
#[cfg(test)]
mod tests;

pub use outcome::Outcome;
pub use record::{Accepted, Record, VERSION, head_line, line};
pub use replay::{Replayed, Unreadable, read};
