//! The checks, one file each (or two, where they assess the same facts).

mod broken_packages;
pub mod clock;
pub(crate) mod cpu;
pub(crate) mod disk;
mod disk_errors;
mod disk_space;
mod failed_units;
mod kernels;
pub(crate) mod memory;
pub(crate) mod oom_kills;
pub(crate) mod read_only_mounts;
mod reboot_required;
mod replaced;
mod update;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::ALL;
