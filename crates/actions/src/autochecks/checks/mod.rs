//! The checks, one file each (or two, where they assess the same facts).

pub mod broken_packages;
pub mod clock;
pub mod cpu;
pub mod disk;
pub mod disk_errors;
pub mod disk_space;
pub mod failed_units;
pub mod kernels;
pub mod memory;
pub mod oom_kills;
pub mod read_only_mounts;
pub mod reboot_required;
pub mod replaced;
pub mod update;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "windows")]
pub use super::windows::ALL;
#[cfg(target_os = "linux")]
pub use linux::ALL;
