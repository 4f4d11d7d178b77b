//! Removes what can be made again: temporary files, rotated logs, package caches, crash dumps, thumbnails, trash.
//!
//! Root walks through directories that anybody may write, so a directory is only ever reached through the descriptor of the
//! verified one above it, by one name that is no link and no mount; nothing is opened or removed by a path.

#[cfg(target_os = "linux")]
pub(crate) mod homes;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod logs;
mod rule;
mod tally;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::journal;
#[cfg(target_os = "linux")]
pub(crate) use linux::{beneath, homes_of, open_home};
#[cfg(target_os = "windows")]
pub use windows::system_drive;

use infiniservice_protocol::data::DiskCleanupData;
#[cfg(target_os = "linux")]
use linux::clean_target;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
#[cfg(target_os = "windows")]
use windows::clean_target;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Job {
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
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// From now on the walk ends at the next entry.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends a walk when whoever waits for it goes away.
#[derive(Debug, Default)]
pub(crate) struct StopOnDrop(StopFlag);

impl StopOnDrop {
    /// For the walk.
    pub(crate) fn flag(&self) -> StopFlag {
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
pub(crate) const fn days(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 86_400)
}

/// Carries out a job, or so much of it until its stop flag was set. Blocks; meant for a thread of its own.
pub(crate) fn clean(job: &Job) -> DiskCleanupData {
    let mut data = DiskCleanupData { dry_run: job.dry_run, ..DiskCleanupData::default() };
    for target in &job.targets {
        if job.stop.is_set() {
            break;
        }
        data.targets.push(clean_target(job, *target));
    }
    total(&mut data);
    data
}

/// Sums the targets up.
fn total(data: &mut DiskCleanupData) {
    data.files_deleted = data.targets.iter().map(|target| target.files_deleted).sum();
    data.space_cleared_mb = data.targets.iter().map(|target| target.space_cleared_mb).sum();
}

/// One of `targets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// Temporary files.
    Temp,
    /// Rotated logs and archived journals.
    Logs,
    /// Downloaded packages and indexes; on Windows what Windows Update downloaded.
    PackageCache,
    /// Crash reports and core dumps.
    CrashDumps,
    /// Previews in each user's cache.
    Thumbnails,
    /// What users threw away.
    Trash,
}

/// No target has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`targets`: unknown target {name:?}; allowed are {}", NameList(&Target::ALL))]
pub(crate) struct UnknownTarget {
    /// As it was asked for.
    pub name: String,
}

impl Target {
    /// All, in the order in which they are answered.
    pub(crate) const ALL: [Self; 6] =
        [Self::Temp, Self::Logs, Self::PackageCache, Self::CrashDumps, Self::Thumbnails, Self::Trash];

    /// As it stands on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Temp => "temp",
            Self::Logs => "logs",
            Self::PackageCache => "package_cache",
            Self::CrashDumps => "crash_dumps",
            Self::Thumbnails => "thumbnails",
            Self::Trash => "trash",
        }
    }

    /// Those of these names, each once, in the order of [`Target::ALL`]; all when absent. An unknown name is an error.
    pub(crate) fn chosen(names: Option<&[String]>) -> Result<Vec<Self>, UnknownTarget> {
        let Some(names) = names else { return Ok(Self::ALL.to_vec()) };
        let known = |name: &String| Self::ALL.iter().any(|target| target.name().eq_ignore_ascii_case(name));
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(UnknownTarget { name: name.clone() });
        }
        let wanted = |target: &Self| names.iter().any(|name| target.name().eq_ignore_ascii_case(name));
        Ok(Self::ALL.into_iter().filter(wanted).collect())
    }
}

/// The names with commas between them.
struct NameList<'a>(&'a [Target]);

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|target| target.name()).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_chosen_once_each_in_any_case_and_all_when_absent() {
        let names = ["trash".to_owned(), "TEMP".into(), "trash".into()];
        assert_eq!(Target::chosen(Some(&names)), Ok(vec![Target::Temp, Target::Trash]));
        assert_eq!(Target::chosen(None).unwrap().len(), 6);
    }

    #[test]
    fn an_unknown_target_is_refused_with_those_that_exist() {
        let error = Target::chosen(Some(&["recycle_bin".into()])).unwrap_err().to_string();
        assert!(error.contains("\"recycle_bin\"") && error.contains("temp, logs, package_cache"), "{error}");
    }
}
