//! All services: those that systemd has loaded, and those whose unit files merely lie there, whose states (`enabled`, `static`, …)
//! are read again only when a unit directory changed.
//!
//! systemd reads every unit directory to answer `ListUnitFiles`, which is dear; looking at the directories' times costs some forty
//! system calls.

use super::calls::{Calls, MANAGER, MANAGER_PATH, UNIT, UnitRow};
use super::details::{Details, DetailsCache};
use super::error::SystemdError;
use super::name::{is_template, template_of};
use super::record::ServiceRecord;
use super::unit::LastRun;
use crate::blocking::{self, Lane};
use crate::sanitize::description;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::time::Duration;

/// Types of units that may fail beside services.
const OTHERS: [&str; 10] = [
    "*.socket",
    "*.timer",
    "*.path",
    "*.mount",
    "*.automount",
    "*.swap",
    "*.scope",
    "*.target",
    "*.slice",
    "*.device",
];
/// Of so many of them is asked how they failed; all are listed.
const MAX_ASKED_OTHERS: usize = 50;

/// What is kept from one listing to the next, so that a listing costs one call when nothing changed.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) files: UnitFiles,
    details: DetailsCache,
}

/// Lists all services, and failed units of other types, by name.
pub(super) async fn list(calls: &Calls<'_>, cache: &mut Cache) -> Result<Vec<ServiceRecord>, SystemdError> {
    let files = cache.files.refresh(calls).await?;
    let no_states: [&str; 0] = [];
    let mut rows: Vec<UnitRow> =
        calls.ask("ListUnitsByPatterns", &(&no_states[..], &["*.service"][..])).await?;
    // Units that others merely mention; one that failed and whose file is gone since has failed all the same.
    rows.retain(|row| row.2 != "not-found" || row.3 == "failed");
    cache.details.begin(&rows).await;
    let mut records = BTreeMap::new();
    for row in &rows {
        let start_type = start_type(&cache.files, &row.0);
        let details = cache.details.of(row, files, start_type.is_some(), calls).await;
        // A unit that went away between the two calls costs its own details, not the list.
        let details =
            details.or_else(|e| if e.breaks_connection() { Err(e) } else { Ok(Details::default()) })?;
        records.insert(row.0.clone(), record(row, details, start_type));
    }
    for (name, state) in cache.files.iter() {
        if state != "alias" && !is_template(name) && !records.contains_key(name) {
            records.insert(name.to_owned(), not_loaded(name, state));
        }
    }
    for failed in failed_others(calls).await? {
        records.insert(failed.name.clone(), failed);
    }
    Ok(records.into_values().collect())
}

/// The state of the unit's file.
fn start_type(files: &UnitFiles, unit: &str) -> Option<String> {
    let own = files.state(unit).map(str::to_owned);
    // Of an instance only systemd itself knows; the template's state tells when it is static or masked for all.
    own.or_else(|| {
        template_of(unit).and_then(|t| files.state(&t).filter(|s| *s == "static").map(str::to_owned))
    })
}

fn record(row: &UnitRow, details: Details, start_type: Option<String>) -> ServiceRecord {
    ServiceRecord {
        name: row.0.clone(),
        restarted_lately: details.restarted_lately(),
        description: description(&row.1),
        load_state: row.2.clone(),
        active_state: row.3.clone(),
        sub_state: row.4.clone(),
        start_type: start_type.or(details.start_type).unwrap_or_default(),
        service_type: details.service_type,
        exe_path: details.exe_path,
        pid: details.pid,
        requires: details.requires,
        failure: details.failure,
        restarts: details.restarts,
        ..ServiceRecord::default()
    }
}

/// Failed units of the other types, such as mounts and timers: they are told beside the services.
async fn failed_others(calls: &Calls<'_>) -> Result<Vec<ServiceRecord>, SystemdError> {
    let rows: Vec<UnitRow> = calls.ask("ListUnitsByPatterns", &(&["failed"][..], &OTHERS[..])).await?;
    let mut records = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let asked = place < MAX_ASKED_OTHERS;
        let last_run = if asked { calls.last_run(row.6.as_str(), &row.0).await? } else { LastRun::default() };
        let start_type = calls.optional(row.6.as_str(), UNIT, "UnitFileState").await?;
        let details = Details { failure: last_run.failure(), ..Details::default() };
        records.push(record(row, details, Some(start_type)));
    }
    Ok(records)
}

fn not_loaded(name: &str, state: &str) -> ServiceRecord {
    ServiceRecord { name: name.into(), start_type: state.into(), ..ServiceRecord::default() }
}

/// How long a look at the unit directories may take.
const STAMP_TIMEOUT: Duration = Duration::from_secs(3);

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
            blocking::run(Lane::Files, "unit directories", STAMP_TIMEOUT, move || fingerprint(&directories));
        // Where one of them hangs, what was read last counts.
        let fingerprint = look.await.unwrap_or_else(|_| self.fingerprint.unwrap_or_default());
        if self.fingerprint != Some(fingerprint) {
            self.states = read_unit_files(calls).await?;
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

async fn read_unit_files(calls: &Calls<'_>) -> Result<BTreeMap<String, String>, SystemdError> {
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
