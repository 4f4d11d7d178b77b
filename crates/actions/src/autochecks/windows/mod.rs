//! The checks of Windows: pure assessments of facts, tested on every platform, and the gathering of them.

pub mod event_log;
#[cfg(target_os = "windows")]
mod gather;
pub mod security;
pub mod services;
#[cfg(all(test, target_os = "windows"))]
mod tests;
pub mod updates;

#[cfg(target_os = "windows")]
pub use gather::ALL;
