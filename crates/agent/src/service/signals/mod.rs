//! What asks the service to stop or to reload.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;

#[cfg(not(target_os = "linux"))]
mod not_inherited;

pub(crate) use imp::OsSignals;
#[cfg(target_os = "linux")]
pub use infiniservice_platform::signals_unsafe::reset as reset_inherited;
#[cfg(not(target_os = "linux"))]
pub use not_inherited::reset as reset_inherited;

use std::future::Future;
use std::time::Duration;

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

    /// How long the agent takes to end once it is asked to; nothing where nobody watches over that.
    fn end_within(&mut self, _limit: Duration) {}
}
