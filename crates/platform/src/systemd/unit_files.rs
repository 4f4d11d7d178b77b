//! States of the unit files (`enabled`, `static`, …), read again only when a unit directory changed.
//!
//! systemd reads every unit directory to answer `ListUnitFiles`, which is dear; looking at the directories' times costs
//! some forty system calls.

use super::calls::{Calls, MANAGER, MANAGER_PATH};
use super::error::SystemdError;
use crate::blocking::{self, Lane};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::collections::{BTreeMap, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::time::Duration;

/// How long a look at the unit directories may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The states of all service unit files, with what they were read from.
#[derive(Debug, Default)]
pub(super) struct UnitFiles {
    directories: Option<Vec<String>>,
    fingerprint: Option<u64>,
    states: BTreeMap<String, String>,
}

impl UnitFiles {
    /// Forces a fresh reading: the agent itself changed something.
    pub(super) fn forget(&mut self) {
        self.fingerprint = None;
    }

    /// Brings the states up to date; a number that changes whenever they may have.
    pub(super) async fn refresh(&mut self, calls: &Calls<'_>) -> Result<u64, SystemdError> {
        if self.directories.is_none() {
            self.directories = Some(calls.property(MANAGER_PATH, MANAGER, "UnitPath").await?);
        }
        // Taken before the reading, so that a change during it is seen next time.
        let directories = self.directories.clone().unwrap_or_default();
        let look =
            blocking::run(Lane::Files, "unit directories", PATIENCE, move || fingerprint(&directories));
        // Where one of them hangs, what was read last counts.
        let fingerprint = look.await.unwrap_or_else(|_| self.fingerprint.unwrap_or_default());
        if self.fingerprint != Some(fingerprint) {
            self.states = read(calls).await?;
            self.fingerprint = Some(fingerprint);
        }
        Ok(fingerprint)
    }

    /// The state of a unit's file.
    pub(super) fn state(&self, unit: &str) -> Option<&str> {
        self.states.get(unit).map(String::as_str)
    }

    /// All unit files with their states.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.states.iter().map(|(name, state)| (name.as_str(), state.as_str()))
    }
}

async fn read(calls: &Calls<'_>) -> Result<BTreeMap<String, String>, SystemdError> {
    let no_states: [&str; 0] = [];
    let files: Vec<(String, String)> =
        calls.ask("ListUnitFilesByPatterns", &(&no_states[..], &["*.service"][..])).await?;
    let names = files.into_iter().filter_map(|(path, state)| {
        let name = Path::new(&path).file_name()?.to_str()?.to_owned();
        Some((name, state))
    });
    Ok(names.collect())
}

/// Changes when a unit file or a link to one comes or goes. A link made by `enable` stands in a `.wants` directory below
/// /etc or /run, and changes only that one's time.
fn fingerprint(directories: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Each login and each `systemd-run` changes the directory of transient units, whose states are asked for one by one.
    for directory in directories.iter().map(Path::new).filter(|path| !path.ends_with("transient")) {
        stamp(directory, &mut hasher);
        if !directory.starts_with("/usr") && !directory.starts_with("/lib") {
            stamp_links(directory, &mut hasher);
        }
    }
    hasher.finish()
}

fn stamp_links(directory: &Path, hasher: &mut DefaultHasher) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "wants" || e == "requires" || e == "upholds") {
            stamp(&path, hasher);
        }
    }
}

/// A directory that lies on another machine is not asked for there: what is known of it counts.
fn stamp(path: &Path, hasher: &mut DefaultHasher) {
    let known = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::MTIME);
    let modified = known.map(|known| (known.stx_mtime.tv_sec, known.stx_mtime.tv_nsec)).unwrap_or_default();
    (path, modified).hash(hasher);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn set_time(path: &Path, secs: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        std::fs::File::open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn the_fingerprint_follows_the_directories_and_the_links_in_them() {
        let root = tempfile::tempdir().unwrap();
        let wants = root.path().join("multi-user.target.wants");
        std::fs::create_dir(&wants).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let directories =
            [text(root.path()), text(&root.path().join("transient")), "/nonexistent".to_owned()];
        let transient = root.path().join("transient");
        std::fs::create_dir(&transient).unwrap();
        let mut seen = Vec::new();
        for (path, secs) in [(root.path(), 1), (root.path(), 2), (&wants, 3), (&wants, 4)] {
            set_time(path, secs);
            seen.push(fingerprint(&directories));
            assert_eq!(seen.last(), Some(&fingerprint(&directories)));
        }
        set_time(&transient, 5);
        assert_eq!(
            seen.last(),
            Some(&fingerprint(&directories)),
            "a login would cost a reading of all unit files"
        );
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}
