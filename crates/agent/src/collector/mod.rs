//! System metrics, one file a metric.
//!
//! Everything that reads text or records is pure and compiles on every platform; `sys` holds what the
//! operating system gives. [`Collector`] takes one collection, [`CollectorHandle`] runs it on a thread of its own.

mod collect;
mod cpu;
pub(crate) mod disk;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handle;
mod host;
pub(crate) mod memory;
mod network;
mod numbers;
mod passwd;

mod ports;
mod process;
mod processes;
mod rate;
mod report;
mod settings;
mod sockets;
mod sys;
mod temperature;
pub(crate) mod text;
mod watch;

pub use collect::Collector;
pub use error::CollectError;
pub use handle::{CollectorHandle, HandleError};
pub use process::query::{ProcessQuery, SortBy};
pub use settings::{CollectorSettings, Roots};
#[cfg(target_os = "linux")]
pub(crate) use sys::space_of;
#[cfg(target_os = "windows")]
pub(crate) use sys::{CpuMeter, drive_space, local_drives, machine_memory};
