//! `ApplicationInventory`: installed applications, whoever installed them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(test, target_os = "linux"))]
mod linux_tests;

#[cfg(target_os = "linux")]
pub(super) use linux::list_applications;

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) limit: Option<u32>,
    pub(super) filter: Option<String>,
}
