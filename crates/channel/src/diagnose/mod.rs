//! `--diagnose`: why the channel works or does not, and what to do.
//!
//! Facts are gathered per platform; what follows from them, and how it is shown, is the same everywhere.

pub(crate) mod facts;
mod findings;
mod options;
pub mod printable;
mod report;
pub mod service_state;
#[cfg_attr(
    not(target_os = "windows"),
    allow(dead_code, reason = "compiled and tested everywhere, used on Windows")
)]
pub mod win;

#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod test_facts;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::run;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub use windows::run;

pub use options::DiagnoseOptions;
pub use report::{Finding, Report};
