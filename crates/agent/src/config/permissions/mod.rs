//! Who may read and write the configuration file: the agent runs as root and obeys it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
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

#[cfg(target_os = "linux")]
pub(super) use linux::TrustedFile;
#[cfg(not(target_os = "linux"))]
pub(super) use other::TrustedFile;
