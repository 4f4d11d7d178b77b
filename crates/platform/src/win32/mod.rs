//! What Windows answers, in words: error codes and texts. Everything pure compiles, and is tested, on every platform; the modules
//! named `_unsafe` call Windows.

pub mod access;
#[cfg(target_os = "windows")]
pub mod access_unsafe;
#[cfg(target_os = "windows")]
pub mod accounts_unsafe;
pub mod codes;
#[cfg(target_os = "windows")]
pub mod com_unsafe;
pub mod descriptor;
#[cfg(target_os = "windows")]
pub mod device_watch_unsafe;
#[cfg(target_os = "windows")]
pub mod devices_unsafe;
#[cfg(target_os = "windows")]
pub mod directories_unsafe;
#[cfg(target_os = "windows")]
pub mod event_log_unsafe;
#[cfg(target_os = "windows")]
pub mod event_source_unsafe;
#[cfg(target_os = "windows")]
pub mod file_unsafe;
pub mod hresult;
mod hresult_table;
#[cfg(target_os = "windows")]
pub mod interfaces_unsafe;
#[cfg(target_os = "windows")]
pub mod job_unsafe;
mod known;
#[cfg(target_os = "windows")]
pub mod native_unsafe;
#[cfg(target_os = "windows")]
pub mod port_unsafe;
#[cfg(target_os = "windows")]
pub mod power_unsafe;
#[cfg(target_os = "windows")]
pub mod process_unsafe;
pub mod record;
#[cfg(target_os = "windows")]
pub mod registry_unsafe;
#[cfg(target_os = "windows")]
pub mod resume_unsafe;
#[cfg(target_os = "windows")]
pub mod security_unsafe;
#[cfg(target_os = "windows")]
pub mod sockets_unsafe;
#[cfg(target_os = "windows")]
pub mod update_agent_unsafe;
#[cfg(target_os = "windows")]
pub mod vioserial_unsafe;
#[cfg(target_os = "windows")]
pub mod volumes_unsafe;
pub mod wide;
#[cfg(target_os = "windows")]
pub mod wmi_unsafe;
