//! The checks of Windows: pure assessments of facts, tested on every platform, and the gathering of them.

mod event_log;
#[cfg(target_os = "windows")]
mod gather;
mod security;
mod services;
#[cfg(all(test, target_os = "windows"))]
mod tests;
mod updates;

#[cfg(target_os = "windows")]
pub use gather::{ALL, largest, space, would_free};
