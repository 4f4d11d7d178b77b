//! What the operating system gives. Each platform's module exposes `Machine` with the same signatures.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Machine, links_and_addresses, space_of};

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub use windows::{CpuMeter, Machine, drive_space, links_and_addresses, local_drives, machine_memory};
