//! Telling the service manager how the service is.

#[cfg(target_os = "linux")]
#[path = "systemd.rs"]
mod imp;
#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod imp;

pub(crate) use imp::Notifier;
