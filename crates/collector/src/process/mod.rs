//! Processes: the kernel's files, the compact table of all, and the details of those that are listed.

pub mod details;
pub mod files;
pub mod query;
pub mod stat;
pub mod table;
#[cfg(any(test, target_os = "windows"))]
pub mod windows;
