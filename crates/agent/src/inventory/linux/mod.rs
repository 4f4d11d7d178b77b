//! Reads the files that describe applications. Homes are hostile: no link is followed, pipes and devices are not opened for
//! reading, sizes and counts are bounded, and nothing is run.

#[cfg(test)]
mod tests;

use super::{appimage, date, desktop, dpkg};
use crate::cleanup::{beneath, homes_of, open_home};
use infiniservice_protocol::data::Application;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use std::collections::HashSet;
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A desktop entry is a few kilobytes.
const MAX_ENTRY_BYTES: u64 = 256 << 10;
/// Entries looked at in one directory.
const MAX_FILES: usize = 10_000;
/// Where desktop entries lie that packages or administrators put there.
const SYSTEM_ENTRIES: [&str; 2] = ["usr/share/applications", "usr/local/share/applications"];
/// Where `AppImages` are put by habit.
const SYSTEM_IMAGES: [&str; 2] = ["opt", "usr/local/bin"];
const HOME_ENTRIES: &str = ".local/share/applications";
const HOME_IMAGES: [&str; 4] = ["Applications", ".local/bin", "Downloads", "bin"];

/// Gives dpkg's packages the day on which they were unpacked.
pub fn date_packages(root: &Path, packages: &mut [Application]) {
    let info = root.join("var/lib/dpkg/info");
    for package in packages {
        let times =
            dpkg::lists(package).map(|list| info.join(list).metadata().and_then(|meta| meta.modified()));
        package.install_date = times.into_iter().flatten().next().and_then(date::day);
    }
}

/// Desktop entries of the system, and desktop entries of homes with all `AppImages`.
pub fn files(root: &Path) -> std::io::Result<(Vec<Application>, Vec<Application>)> {
    let base = File::open(root)?;
    let (mut entries, mut others) = (Vec::new(), Vec::new());
    for path in SYSTEM_ENTRIES {
        let directory = beneath::across_mounts(&base, path).ok();
        each(directory, &format!("/{path}"), entry, &mut entries);
    }
    for path in SYSTEM_IMAGES {
        let directory = beneath::across_mounts(&base, path).ok();
        each(directory, &format!("/{path}"), image, &mut others);
    }
    for home in homes_of(&base)? {
        let Some(fd) = open_home(&base, &home) else { continue };
        let at = |path: &str| format!("/{}/{path}", home.path);
        let open = |path: &str| beneath::same_mount(&fd, path.as_bytes()).ok();
        each(open(HOME_ENTRIES), &at(HOME_ENTRIES), entry, &mut others);
        for path in HOME_IMAGES {
            each(open(path), &at(path), image, &mut others);
        }
    }
    Ok((entries, others))
}

/// Leaves out those that a package owns: the package is there already.
pub(crate) fn without_owned(entries: Vec<Application>, owned: &HashSet<String>) -> Vec<Application> {
    let free = |entry: &Application| entry.install_location.as_ref().is_none_or(|path| !owned.contains(path));
    entries.into_iter().filter(free).collect()
}

type Reader = fn(&OwnedFd, &CStr, &str, &Stat) -> Option<Application>;

fn each(directory: Option<OwnedFd>, at: &str, read: Reader, into: &mut Vec<Application>) {
    let Some(directory) = directory else { return };
    let Ok(names) = Dir::read_from(&directory) else { return };
    for found in names.flatten().take(MAX_FILES) {
        let name = found.file_name();
        let Ok(stat) = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if FileType::from_raw_mode(stat.st_mode).is_file() {
            let path = format!("{at}/{}", name.to_string_lossy());
            into.extend(read(&directory, name, &path, &stat));
        }
    }
}

fn entry(directory: &OwnedFd, name: &CStr, path: &str, stat: &Stat) -> Option<Application> {
    let fits = name.to_bytes().ends_with(b".desktop") && u64::try_from(stat.st_size).ok()? <= MAX_ENTRY_BYTES;
    let bytes = fits.then(|| start(directory, name, MAX_ENTRY_BYTES))??;
    let found = desktop::read(path, &String::from_utf8_lossy(&bytes))?;
    Some(Application { install_date: changed(stat), ..found })
}

fn image(directory: &OwnedFd, name: &CStr, path: &str, stat: &Stat) -> Option<Application> {
    let found = appimage::described(&name.to_string_lossy())?;
    let bytes = start(directory, name, appimage::MAGIC_BYTES as u64)?;
    let size_mb = u64::try_from(stat.st_size).ok().map(|bytes| bytes as f64 / 1e6);
    let install_location = Some(path.to_owned());
    appimage::is_appimage(&bytes).then(|| Application {
        install_date: changed(stat),
        install_location,
        size_mb,
        ..found
    })
}

/// The first bytes of a file. One that was replaced by a pipe meanwhile is neither waited for nor read.
fn start(directory: &OwnedFd, name: &CStr, max: u64) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(openat(directory, name, flags, Mode::empty()).ok()?);
    let mut bytes = Vec::new();
    let regular = file.metadata().is_ok_and(|meta| meta.is_file());
    regular.then(|| file.take(max).read_to_end(&mut bytes).ok())??;
    Some(bytes)
}

fn changed(stat: &Stat) -> Option<String> {
    let secs = u64::try_from(stat.st_mtime).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(secs)).and_then(date::day)
}
