//! The checks of Windows: pure assessments of facts, tested on every platform, and the gathering of them.

pub mod automatic_services;
pub mod defender;
pub mod event_log;
pub mod firewall;
#[cfg(target_os = "windows")]
mod gather;
pub mod reboot;
#[cfg(all(test, target_os = "windows"))]
mod tests;
pub mod time;
pub mod updates;

#[cfg(target_os = "windows")]
pub use gather::ALL;
