//! What fills a file system: its largest directories and files, and files that are deleted but still open. A bounded walk in a thread
//! of its own.

use crate::autochecks::{Machine, machine};
use crate::cleanup::journal::{self, Archives};
use crate::cleanup::{Job, StopFlag, Target, clean};
use infiniservice_platform::linux::mounts;
use infiniservice_platform::sanitize::blanked;
use infiniservice_protocol::data::DiskCleanupData;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;

/// How long the walk may take; what was seen until then is told.
const WALK: Duration = Duration::from_secs(6);
/// How long the dry run of a clean-up may take.
const DRY_RUN: Duration = Duration::from_secs(8);
/// Entries that are looked at.
const MAX_ENTRIES: usize = 400_000;
/// Directories that wait to be looked at, and directories that are counted.
const MAX_DIRECTORIES: usize = 50_000;
/// So deep below the mount point directories are told apart; each has all below it.
const LEVELS: usize = 3;
/// So many of each kind are told.
const MAX_TOLD: usize = 5;
/// Longest path told, in characters.
const MAX_CHARS: usize = 300;

/// What the walk found.
#[derive(Debug, Default)]
struct Found {
    directories: BTreeMap<PathBuf, u64>,
    files: Vec<(u64, PathBuf)>,
    linked: BTreeSet<u64>,
    entries: usize,
    /// Whether something was left out.
    cut: bool,
}

/// For `details`: what fills the file system mounted at `place`. Nothing where that cannot be found out in time.
pub async fn largest(machine: &Machine, place: &str) -> Option<Value> {
    let mounts = mount_points(&machine.read("proc/self/mountinfo").await.ok()?)?;
    let (place, until) = (PathBuf::from(place), Instant::now() + WALK);
    let work = move || {
        let found = walk(&place, &mounts, until);
        let open = deleted_but_open(&place, &mounts);
        told(found, open)
    };
    timeout(WALK * 2, machine::run_blocking("the largest files", work)).await.ok()?.ok()
}

/// How much each target of a clean-up would free, in 10^6 bytes, by a dry run. Nothing where that takes too long.
pub async fn would_free(machine: &Machine, targets: &[String]) -> Option<BTreeMap<String, f64>> {
    let stop = StopFlag::default();
    let job = Job {
        root: machine.root.clone(),
        targets: Target::chosen(Some(targets)).ok()?,
        older_than: None,
        dry_run: true,
        now: SystemTime::now(),
        stop: stop.clone(),
    };
    let dry = timeout(DRY_RUN, machine::run_blocking("the cleanup's dry run", move || dry_run(&job))).await;
    stop.set();
    let data = dry.ok()?.ok()?;
    Some(data.targets.into_iter().map(|target| (target.name, target.space_cleared_mb)).collect())
}

/// With the archived journals, which journald removes itself.
fn dry_run(job: &Job) -> DiskCleanupData {
    let mut data = clean(job);
    if job.targets.contains(&Target::Logs) {
        Archives::look(&job.root).older_than(journal::age(job), job.now).count_into(&mut data);
    }
    data
}

/// Where anything is mounted; nothing where the table was not read whole, as a mount that is not known would be walked into.
fn mount_points(mountinfo: &[u8]) -> Option<BTreeSet<PathBuf>> {
    let table = mounts::read(mountinfo).ok().filter(|table| table.left_out == 0)?;
    Some(table.mounts.into_iter().map(|mount| PathBuf::from(OsString::from_vec(mount.place))).collect())
}

/// Walks over one file system: mounts below are not even looked at, as that may wait for whoever serves them.
fn walk(place: &Path, mounts: &BTreeSet<PathBuf>, until: Instant) -> Found {
    let mut found = Found::default();
    let mut waiting = vec![place.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            found.entries += 1;
            if found.entries > MAX_ENTRIES || Instant::now() > until {
                found.cut = true;
                return found;
            }
            let path = entry.path();
            if mounts.contains(&path) {
                continue;
            }
            // It does not follow links.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && waiting.len() < MAX_DIRECTORIES {
                waiting.push(path);
            } else if metadata.is_dir() {
                found.cut = true;
            } else {
                found.take(place, &directory, path, &metadata);
            }
        }
    }
    found
}

impl Found {
    fn take(&mut self, place: &Path, directory: &Path, path: PathBuf, metadata: &Metadata) {
        // One with several names takes its space once.
        if metadata.nlink() > 1 && self.linked.len() < MAX_DIRECTORIES && !self.linked.insert(metadata.ino())
        {
            return;
        }
        let bytes = metadata.blocks() * 512;
        let level: PathBuf =
            directory.strip_prefix(place).unwrap_or(directory).components().take(LEVELS).collect();
        if self.directories.len() < MAX_DIRECTORIES || self.directories.contains_key(&level) {
            *self.directories.entry(place.join(level)).or_default() += bytes;
        } else {
            self.cut = true;
        }
        self.files.push((bytes, path));
        if self.files.len() > MAX_TOLD * 64 {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        self.files.sort_by(|a, b| b.cmp(a));
        self.files.truncate(MAX_TOLD);
    }
}

/// Files on this file system that have no name any more and take space until whoever holds them ends: bytes, by inode.
fn deleted_but_open(place: &Path, mounts: &BTreeSet<PathBuf>) -> BTreeMap<u64, (u64, String, u32)> {
    let mut open = BTreeMap::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        for descriptor in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(descriptor.path()) else { continue };
            let Some(name) = target.to_str().and_then(|text| text.strip_suffix(" (deleted)")) else {
                continue;
            };
            if mount_of(Path::new(name), mounts) != Some(place) {
                continue;
            }
            if let Ok(metadata) = fs::metadata(descriptor.path())
                && metadata.nlink() == 0
                && metadata.blocks() > 0
            {
                open.insert(metadata.ino(), (metadata.blocks() * 512, name.to_owned(), pid));
            }
        }
    }
    open
}

/// The mount that a path lies below.
fn mount_of<'a>(path: &Path, mounts: &'a BTreeSet<PathBuf>) -> Option<&'a Path> {
    path.ancestors().find_map(|above| mounts.get(above)).map(PathBuf::as_path)
}

fn told(mut found: Found, open: BTreeMap<u64, (u64, String, u32)>) -> Value {
    found.keep_largest();
    let mut directories: Vec<(u64, PathBuf)> =
        found.directories.into_iter().map(|(path, bytes)| (bytes, path)).collect();
    directories.sort_by(|a, b| b.cmp(a));
    let mut open: Vec<_> = open.into_values().collect();
    open.sort_by(|a, b| b.cmp(a));
    let sized = |list: &[(u64, PathBuf)]| -> Vec<Value> {
        let told = list.iter().take(MAX_TOLD);
        told.map(
            |(bytes, path)| json!({"path": shown(&path.to_string_lossy()), "size_mb": megabytes(*bytes)}),
        )
        .collect()
    };
    let deleted: Vec<Value> = open
        .iter()
        .take(MAX_TOLD)
        .map(|(bytes, name, pid)| json!({"path": shown(name), "size_mb": megabytes(*bytes), "pid": pid}))
        .collect();
    json!({
        "directories": sized(&directories),
        "files": sized(&found.files),
        "deleted_but_open": deleted,
        "entries_looked_at": found.entries.min(MAX_ENTRIES),
        "all_looked_at": !found.cut,
    })
}

fn shown(path: &str) -> String {
    blanked(path).chars().take(MAX_CHARS).collect()
}

/// In 10^6 bytes, to one decimal.
fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / 1e5).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_named_and_mounts_below_are_not_entered() {
        let root = tempfile::tempdir().unwrap();
        let big = root.path().join("a/b/c/d");
        fs::create_dir_all(&big).unwrap();
        fs::create_dir_all(root.path().join("mounted")).unwrap();
        fs::write(big.join("large"), vec![1; 3_000_000]).unwrap();
        fs::hard_link(big.join("large"), big.join("again")).unwrap();
        fs::write(root.path().join("small"), b"x").unwrap();
        fs::write(root.path().join("mounted/other"), vec![1; 9_000_000]).unwrap();
        let mounts = [root.path().join("mounted")].into();
        let found = walk(root.path(), &mounts, Instant::now() + WALK);
        let told = told(found, BTreeMap::new());
        assert_eq!(told["directories"][0]["path"], root.path().join("a/b/c").to_str().unwrap());
        let size = told["directories"][0]["size_mb"].as_f64().unwrap();
        assert!((2.9..4.0).contains(&size), "one file of two names: {size}");
        assert_eq!((&told["all_looked_at"], told["files"].as_array().unwrap().len()), (&json!(true), 2));
        let late = walk(root.path(), &mounts, Instant::now());
        assert!(late.cut, "a walk that has no time says that it is not whole");
    }

    #[test]
    fn a_file_that_is_deleted_and_still_open_is_found_with_its_process() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("gone");
        fs::write(&path, vec![1; 2_000_000]).unwrap();
        let held = fs::File::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mounts: BTreeSet<PathBuf> = [root.path().to_path_buf(), PathBuf::from("/")].into();
        let open = deleted_but_open(root.path(), &mounts);
        let found = open.get(&held.metadata().unwrap().ino()).expect("found");
        assert_eq!((found.1.as_str(), found.2), (path.to_str().unwrap(), std::process::id()));
        assert!(
            deleted_but_open(Path::new("/"), &mounts)
                .values()
                .all(|(_, name, _)| name != path.to_str().unwrap())
        );
    }
}
