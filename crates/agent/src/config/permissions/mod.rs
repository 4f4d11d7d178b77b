//! Who may read and write the configuration file: the agent runs as root and obeys it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "the signatures are those of every platform")]
mod other;

#[cfg(target_os = "linux")]
pub(super) use linux::{check_not_open_to_all, check_not_readable_by_others, check_not_writable_by_others};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{check_not_open_to_all, check_not_readable_by_others, check_not_writable_by_others};
