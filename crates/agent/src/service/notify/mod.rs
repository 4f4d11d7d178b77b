//! Telling the service manager how the service is.

#[cfg(target_os = "linux")]
#[path = "systemd.rs"]
mod imp;

pub use imp::Notifier;
