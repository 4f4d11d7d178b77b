//! `--diagnose`: why the channel works or does not, and what to do.
//!
//! Facts are gathered per platform; what follows from them, and how it is shown, is the same everywhere.

mod assess;
pub mod facts;
mod findings;
pub mod fixes;
mod options;
mod report;
pub mod service_state;
mod text;

#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod test_facts;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::gather;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows::gather;

pub use options::DiagnoseOptions;
pub use report::{Finding, Report, Severity};

/// Looks at the machine and judges. Blocking, up to some seconds where the service manager does not answer.
/// A free port of the agent's own is opened for a moment, which drops what its host had sent to nobody.
pub fn run(options: &DiagnoseOptions) -> Report {
    Report::new(gather(options))
}
