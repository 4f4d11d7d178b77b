//! `WindowsUpdateCheck`, `WindowsUpdateInstall`, `WindowsDefenderStatus`, `WindowsDefenderScan`.

#[cfg(target_os = "linux")]
mod elsewhere;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(super) use elsewhere::run;
#[cfg(target_os = "windows")]
pub(super) use windows::run;
