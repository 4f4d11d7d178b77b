//! The checks, one file each (or two, where they assess the same facts).

pub mod broken_packages;
pub mod clock_skew;
pub mod configuration;
pub mod cpu_load;
pub mod cpu_steal;
pub mod disk;
pub mod disk_errors;
pub mod disk_inodes;
pub mod disk_space;
pub mod failed_units;
pub mod kernels;
pub mod memory;
pub mod memory_pressure;
pub mod oom_kills;
pub mod read_only_mounts;
pub mod reboot_required;
pub mod replaced;
pub mod swap;
pub mod time_sync;
pub mod update;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "windows")]
pub use super::windows::ALL;
#[cfg(target_os = "linux")]
pub use linux::ALL;
