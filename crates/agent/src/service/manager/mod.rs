//! Being run by the system's service manager, and being made known to it.

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as imp;

#[cfg(not(target_os = "windows"))]
mod none;
#[cfg(not(target_os = "windows"))]
use none as imp;

pub(crate) use imp::protect_files;
pub use imp::{carry_out, diagnose, end, run_as_service};
#[cfg(target_os = "windows")]
pub(in crate::service) use windows::{Life, life};
