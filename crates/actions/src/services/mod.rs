//! Services as commands see them, over what the platform has.

#[cfg(target_os = "linux")]
mod systemd;
#[cfg(all(test, target_os = "linux"))]
mod systemd_tests;
#[cfg(all(test, target_os = "linux"))]
mod sysv_tests;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub use systemd::SystemdServices;
#[cfg(target_os = "windows")]
pub use windows::ScmServices;
