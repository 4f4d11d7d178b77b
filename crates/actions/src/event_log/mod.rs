//! The Application log of Windows: which event a log line or a record of the audit becomes, and how often. The mapping
//! is pure; only the call is Windows'.

pub mod event;
pub mod gate;
#[cfg(test)]
mod message_table;

#[cfg(not(target_os = "windows"))]
mod none;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(not(target_os = "windows"))]
use none as imp;
#[cfg(target_os = "windows")]
use windows as imp;

pub use imp::{flush, is_open, open, write};
#[cfg(target_os = "windows")]
pub use windows::registration;

/// The source's name, as Event Viewer shows it.
pub const SOURCE: &str = "InfiniService";

/// How many strings each event of a record has.
pub const EVENT_STRINGS: usize = 10;
