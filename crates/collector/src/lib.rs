//! System metrics, one file a metric.
//!
//! Everything that reads text or records is pure and compiles on every platform; `sys` holds what the
//! operating system gives. [`Collector`] takes one collection, [`CollectorHandle`] runs it on a thread of its own.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "parsers of Linux compile, and are tested, everywhere")
)]

mod apart;
mod busy;
mod collect;
pub mod cpu;
pub mod disk;
mod error;
mod fields;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod handle;
pub mod host;
pub mod memory;
mod metric;
pub mod network;
mod numbers;

mod ports;
pub mod pressure;
mod process;
mod processes;
mod round;
mod settings;
mod sys;
mod temperature;
pub mod user_names;

pub use apart::Sampled;
pub use collect::Collector;
pub use fields::narrowed;
pub use handle::{CollectorHandle, HandleError};
pub use process::query::{ProcessQuery, SortBy};
pub use settings::{CollectorSettings, Roots};
#[cfg(any(target_os = "linux", target_os = "windows"))]
pub use sys::links_and_addresses;
#[cfg(target_os = "linux")]
pub use sys::space_of;
#[cfg(target_os = "windows")]
pub use sys::{CpuMeter, drive_space, local_drives, machine_memory};
