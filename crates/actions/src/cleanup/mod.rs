//! Removes what can be made again: temporary files, rotated logs, package caches, crash dumps, thumbnails, trash.
//!
//! Root walks through directories that anybody may write, so a directory is only ever reached through the descriptor of the
//! verified one above it, by one name that is no link and no mount; nothing is opened or removed by a path.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::clean_target;
#[cfg(target_os = "linux")]
pub use linux::journal;
#[cfg(target_os = "linux")]
pub(crate) use linux::{beneath, homes_of, open_home};
#[cfg(any(target_os = "linux", target_os = "windows"))]
mod all;
#[cfg(any(target_os = "linux", target_os = "windows"))]
pub use all::clean;
#[cfg(target_os = "linux")]
mod homes;
#[cfg(target_os = "linux")]
mod logs;
mod rule;
mod tally;
mod target;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows::clean_target;
#[cfg(target_os = "windows")]
pub use windows::system_drive;

pub use target::{Target, UnknownTarget};

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// One request.
#[derive(Clone, Debug)]
pub struct Job {
    /// The file system's root, `/` but in tests.
    pub root: PathBuf,
    /// What to clean, in order.
    pub targets: Vec<Target>,
    /// Only what was not used for so long; each place's own default when absent.
    pub older_than: Option<Duration>,
    /// Remove nothing.
    pub dry_run: bool,
    /// Against which ages are reckoned.
    pub now: SystemTime,
    /// Ends the walk.
    pub stop: StopFlag,
}

/// Tells a walk on another thread to end. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// From now on the walk ends at the next entry.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends a walk when whoever waits for it goes away.
#[derive(Debug, Default)]
pub(crate) struct StopOnDrop(StopFlag);

impl StopOnDrop {
    /// For the walk.
    pub fn flag(&self) -> StopFlag {
        self.0.clone()
    }
}

impl From<StopFlag> for StopOnDrop {
    fn from(flag: StopFlag) -> Self {
        Self(flag)
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// 86,400 seconds each.
pub const fn days(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 86_400)
}
