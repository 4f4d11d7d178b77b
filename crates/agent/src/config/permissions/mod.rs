//! Who may read and write the configuration file: the agent runs as root and obeys it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "windows")))]
#[allow(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the signatures are those of every platform"
)]
mod other;
#[cfg(target_os = "linux")]
mod rules;
#[cfg(target_os = "linux")]
mod walk;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(super) use linux::TrustedFile;
#[cfg(not(any(target_os = "linux", target_os = "windows")))]
pub(super) use other::TrustedFile;
#[cfg(target_os = "windows")]
pub(super) use windows::TrustedFile;
