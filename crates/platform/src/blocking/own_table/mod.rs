//! A table of descriptors for one thread alone.

#[cfg(target_os = "linux")]
mod linux_unsafe;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(super) use linux_unsafe::take;
#[cfg(not(target_os = "linux"))]
pub(super) use other::take;
