//! What asks the service to stop or to reload.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;

pub use imp::OsSignals;

use std::future::Future;

/// A request from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Stop, in order; the text says who asked.
    Stop(&'static str),
    /// Re-open the log and read the configuration again.
    Reload,
}

/// Where requests come from: the operating system, the service manager, or a test.
pub trait Signals {
    /// The next request; pending for ever when there is none. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Signal>;
}
