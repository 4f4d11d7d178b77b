//! Services as commands see them, over what the platform has.

#[cfg(target_os = "linux")]
mod systemd;

#[cfg(target_os = "linux")]
pub use systemd::SystemdServices;
