//! `ProcessKill`: ends one process, surely that one, and says what happened.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(all(test, target_os = "windows"))]
mod windows_tests;

#[cfg(target_os = "linux")]
pub(super) use linux::run;
#[cfg(target_os = "windows")]
pub(super) use windows::run;
