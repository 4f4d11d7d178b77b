//! Windows Update by the Windows Update Agent's COM interfaces: what is pending, and bringing it in.

#[cfg(target_os = "windows")]
mod ask;

#[cfg(target_os = "windows")]
pub use ask::{check, install, is_reboot_required, known};
