//! `ProcessKill`: ends one process, surely that one, and says what happened.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod stat;
#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(not(target_os = "linux"))]
mod unsupported;

#[cfg(target_os = "linux")]
pub(super) use linux::run;
#[cfg(not(target_os = "linux"))]
pub(super) use unsupported::run;
