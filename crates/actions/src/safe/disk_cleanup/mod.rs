//! `DiskCleanup`: removes, or in a dry run counts, what can be made again.

#[cfg(target_os = "linux")]
mod linux;
mod walk;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(super) use linux::run;
#[cfg(target_os = "windows")]
pub(super) use windows::run;

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) targets: Option<Vec<String>>,
    pub(super) older_than_days: Option<u32>,
    pub(super) dry_run: bool,
}
