//! Reads the files that describe applications. Homes are hostile: no link is followed, no mount is entered, pipes and devices
//! are not opened for reading, a file with many names is read once, and each home has a budget of files, bytes and time.

#[cfg(test)]
mod tests;

use super::{Selection, bundles, desktop, dpkg};
use crate::cleanup::{StopFlag, beneath, homes_of, open_home};
use crate::inventory;
use infiniservice_protocol::data::Application;
use rustix::fs::{AtFlags, Dir, FileType, Statx, StatxFlags, statx};
use std::collections::HashSet;
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A desktop entry is a few kilobytes.
const MAX_ENTRY_BYTES: u64 = 256 << 10;
/// Where desktop entries lie that packages or administrators put there.
const SYSTEM_ENTRIES: [&str; 2] = ["usr/share/applications", "usr/local/share/applications"];
/// Where `AppImages` are put by habit.
const SYSTEM_IMAGES: [&str; 2] = ["opt", "usr/local/bin"];
const HOME_ENTRIES: &str = ".local/share/applications";
const HOME_IMAGES: [&str; 4] = ["Applications", ".local/bin", "Downloads", "bin"];

/// Gives snaps the place where they are mounted: which one that is depends on the distribution.
pub(crate) fn place_snaps(root: &Path, applications: &mut [Application]) {
    let is_there = |path: &String| root.join(path.trim_start_matches('/')).symlink_metadata().is_ok();
    for snap in applications.iter_mut().filter(|found| found.source == "snap") {
        snap.install_location = bundles::snap_locations(snap).into_iter().find(is_there);
    }
}

/// Gives dpkg's packages the day on which they were unpacked.
pub(crate) fn date_packages(root: &Path, packages: &mut [Application]) {
    let info = root.join("var/lib/dpkg/info");
    for package in packages.iter_mut().filter(|package| package.source == "dpkg") {
        let times =
            dpkg::lists(package).map(|list| info.join(list).metadata().and_then(|meta| meta.modified()));
        package.install_date = times.into_iter().flatten().next().and_then(inventory::day);
    }
}

/// What files tell: the system's desktop entries, which packages may own, are the answer; all else goes into the selection.
pub(crate) fn files(
    root: &Path,
    selection: &mut Selection,
    stop: &StopFlag,
) -> std::io::Result<Vec<Application>> {
    files_within(TIMES, root, selection, stop)
}

fn files_within(
    times: Times,
    root: &Path,
    selection: &mut Selection,
    stop: &StopFlag,
) -> std::io::Result<Vec<Application>> {
    let until = Instant::now() + times.all;
    let base = File::open(root)?;
    let mut entries = Vec::new();
    let mut budget = Budget::of_system(until, stop);
    for path in SYSTEM_ENTRIES {
        let directory = beneath::across_mounts(&base, path).ok();
        let found =
            &mut |found: Application| entries.extend(Some(found).filter(|found| selection.wants(found)));
        each(directory, &format!("/{path}"), entry, &mut budget, found);
    }
    for path in SYSTEM_IMAGES {
        let directory = beneath::across_mounts(&base, path).ok();
        each(directory, &format!("/{path}"), image, &mut budget, &mut |found| selection.add(found));
    }
    budget.exhausted("the system directories").iter().for_each(|why| selection.incomplete(why));
    homes(&base, selection, (until, times.home), stop)?;
    Ok(entries)
}

fn homes(
    base: &File,
    selection: &mut Selection,
    (until, time): (Instant, Duration),
    stop: &StopFlag,
) -> std::io::Result<()> {
    let homes = homes_of(base)?;
    if homes.cut {
        selection.incomplete("/etc/passwd is too long: the home directories of later lines are omitted");
    }
    for home in homes.list {
        let mut budget = Budget::of_home(until, time, stop);
        let Some(fd) = open_home(base, &home) else { continue };
        let at = |path: &str| format!("/{}/{path}", home.path);
        let open = |path: &str| beneath::same_mount(&fd, path.as_bytes()).ok();
        let found = &mut |found: Application| selection.add(found);
        each(open(HOME_ENTRIES), &at(HOME_ENTRIES), entry, &mut budget, found);
        for path in HOME_IMAGES {
            each(open(path), &at(path), image, &mut budget, found);
        }
        budget.exhausted(&format!("/{}", home.path)).iter().for_each(|why| selection.incomplete(why));
    }
    Ok(())
}

/// Leaves out those that a package owns: the package is there already.
pub(crate) fn without_owned(entries: Vec<Application>, owned: &HashSet<String>) -> Vec<Application> {
    let free = |entry: &Application| entry.install_location.as_ref().is_none_or(|path| !owned.contains(path));
    entries.into_iter().filter(free).collect()
}

type Reader = fn(&OwnedFd, &CStr, &str, &Statx, &mut Budget) -> Option<Application>;

/// Each regular file once, by whatever name it is met first.
fn each(
    directory: Option<OwnedFd>,
    at: &str,
    read: Reader,
    budget: &mut Budget,
    found: &mut dyn FnMut(Application),
) {
    let Some(directory) = directory else { return };
    let Ok(names) = Dir::read_from(&directory) else { return };
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let mut seen = HashSet::new();
    for entry in names.flatten() {
        if !budget.file() {
            break;
        }
        let name = entry.file_name();
        let Ok(stat) = statx(&directory, name, flags, StatxFlags::BASIC_STATS) else { continue };
        let regular = FileType::from_raw_mode(stat.stx_mode.into()).is_file();
        if regular && seen.insert((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino)) {
            let path = format!("{at}/{}", name.to_string_lossy());
            read(&directory, name, &path, &stat, budget).into_iter().for_each(&mut *found);
        }
    }
}

fn entry(
    directory: &OwnedFd,
    name: &CStr,
    path: &str,
    stat: &Statx,
    budget: &mut Budget,
) -> Option<Application> {
    let fits = name.to_bytes().ends_with(b".desktop") && stat.stx_size <= MAX_ENTRY_BYTES;
    let bytes = fits.then(|| start(directory, name, MAX_ENTRY_BYTES, budget))??;
    let found = desktop::read(path, &String::from_utf8_lossy(&bytes))?;
    Some(Application { install_date: changed(stat), ..found })
}

fn image(
    directory: &OwnedFd,
    name: &CStr,
    path: &str,
    stat: &Statx,
    budget: &mut Budget,
) -> Option<Application> {
    let found = bundles::appimage(&name.to_string_lossy())?;
    let bytes = start(directory, name, bundles::APPIMAGE_MAGIC_BYTES as u64, budget)?;
    let install_location = Some(path.to_owned());
    bundles::is_appimage(&bytes).then(|| Application {
        install_date: changed(stat),
        install_location,
        size_mb: Some(stat.stx_size as f64 / 1e6),
        ..found
    })
}

/// The first bytes of a file. One that was replaced by a pipe or a mount meanwhile is neither waited for nor read.
fn start(directory: &OwnedFd, name: &CStr, max: u64, budget: &mut Budget) -> Option<Vec<u8>> {
    let file = File::from(beneath::file(directory, name.to_bytes()).ok()?);
    let mut bytes = Vec::new();
    let regular = file.metadata().is_ok_and(|meta| meta.is_file());
    regular.then(|| file.take(max).read_to_end(&mut bytes).ok())??;
    budget.bytes(bytes.len()).then_some(bytes)
}

fn changed(stat: &Statx) -> Option<String> {
    let secs = u64::try_from(stat.stx_mtime.tv_sec).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(secs)).and_then(inventory::day)
}

/// Files of the system, and bytes read of them.
const OF_SYSTEM: (usize, usize) = (20_000, 64 << 20);
/// Files of one home, and bytes read of them.
const OF_HOME: (usize, usize) = (10_000, 8 << 20);
/// How long the reading may take.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// For one home.
    pub home: Duration,
    /// For the system and all homes together; then the rest are left out, and that is said.
    pub all: Duration,
}

/// As it is on machines: a home takes milliseconds.
const TIMES: Times = Times { home: Duration::from_secs(2), all: Duration::from_secs(45) };

/// What is left of it.
#[derive(Debug)]
struct Budget<'a> {
    files: usize,
    bytes: usize,
    until: Instant,
    stop: &'a StopFlag,
    /// What ran out.
    out_of: Option<&'static str>,
}

impl<'a> Budget<'a> {
    pub(crate) fn of_system(until: Instant, stop: &'a StopFlag) -> Self {
        let (files, bytes) = OF_SYSTEM;
        Self { files, bytes, until, stop, out_of: None }
    }

    pub(crate) fn of_home(until: Instant, time: Duration, stop: &'a StopFlag) -> Self {
        let (files, bytes) = OF_HOME;
        Self { files, bytes, until: until.min(Instant::now() + time), stop, out_of: None }
    }

    /// Takes one file; `false` once nothing may be looked at any more.
    pub(crate) fn file(&mut self) -> bool {
        if self.out_of.is_none() {
            self.out_of = match self.files.checked_sub(1) {
                _ if self.stop.is_set() => Some("it was stopped"),
                _ if Instant::now() >= self.until => Some("it took too long"),
                Some(left) => {
                    self.files = left;
                    None
                }
                None => Some("there are too many files"),
            };
        }
        self.out_of.is_none()
    }

    /// Takes bytes that were read.
    pub(crate) fn bytes(&mut self, count: usize) -> bool {
        match self.bytes.checked_sub(count) {
            Some(left) => self.bytes = left,
            None => self.out_of = Some("its files are too large"),
        }
        self.out_of.is_none()
    }

    /// What is to be said of whose files were not all looked at.
    pub(crate) fn exhausted(&self, whose: &str) -> Option<String> {
        self.out_of.map(|why| format!("{whose}: not all files were examined: {why}"))
    }
}
