//! Where the agent's own files are.

#[cfg(not(target_os = "windows"))]
mod unix;
#[cfg(not(target_os = "windows"))]
use unix as imp;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as imp;

pub use imp::{default_file, service_log};
#[cfg(target_os = "windows")]
pub use infiniservice_platform::win32::directories_unsafe::program_files;
