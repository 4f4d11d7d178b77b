//! What Windows answers, in words: error codes and texts. Everything pure compiles, and is tested, on every platform; the modules
//! named `_unsafe` call Windows.

pub mod access;
#[cfg(target_os = "windows")]
pub mod access_unsafe;
pub mod codes;
#[cfg(target_os = "windows")]
pub mod com_unsafe;
pub mod descriptor;
#[cfg(target_os = "windows")]
pub mod directories_unsafe;
pub mod hresult;
mod hresult_table;
mod known;
#[cfg(target_os = "windows")]
pub mod power_unsafe;
#[cfg(target_os = "windows")]
pub mod process_unsafe;
pub mod record;
#[cfg(target_os = "windows")]
pub mod security_unsafe;
pub mod wide;
#[cfg(target_os = "windows")]
pub mod wmi_unsafe;
