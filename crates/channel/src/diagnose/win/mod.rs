//! The diagnosis of a Windows machine: what follows from its facts, and how it is shown. Pure, so that it is tested
//! everywhere; the facts are gathered by `diagnose/windows`.

pub mod facts;
mod judge;
pub mod problem;
mod report;
#[cfg(test)]
mod tests;

pub use report::WindowsReport;
