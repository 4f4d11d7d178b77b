//! A new file that only its owner may open.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod imp;
#[cfg(not(any(unix, target_os = "windows")))]
#[path = "other.rs"]
mod imp;

pub(super) use imp::create;
