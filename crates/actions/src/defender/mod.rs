//! Microsoft Defender by WMI (`root\Microsoft\Windows\Defender`): its state, scans, and what they found.

#[cfg(target_os = "windows")]
mod ask;
pub mod reading;

#[cfg(target_os = "windows")]
pub use ask::{scan, status};
