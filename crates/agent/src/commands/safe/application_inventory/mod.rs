//! `ApplicationInventory`: installed applications, whoever installed them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod unsupported;

#[cfg(target_os = "linux")]
pub(super) use linux::run;
#[cfg(not(target_os = "linux"))]
pub(super) use unsupported::run;

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) limit: Option<u32>,
    pub(super) filter: Option<String>,
}
