//! Cleans the places of a Windows machine.
//!
//! SYSTEM walks through directories that users may write, so each is only ever opened by one name from the handle of the verified
//! one above it, never through a reparse point (links, junctions, mount points, files in a cloud), and a file is removed by its own
//! handle, opened so that nobody else has it open.

#[cfg(test)]
mod tests;
mod walk;

use super::rule::Rule;
use super::tally::Tally;
use super::{Job, Target, days};
use crate::cleanup::rule::Names;
use infiniservice_platform::win32::directories_unsafe;
use infiniservice_platform::win32::file_unsafe::{self, Dir};
use infiniservice_protocol::data::CleanedTarget;
use std::io;
use std::path::PathBuf;
use walk::{Stopped, Walk};

/// Users of one machine that are looked at.
const MAX_USERS: usize = 10_000;

/// The root of the drive that Windows lies on.
pub fn system_drive() -> PathBuf {
    let windows = directories_unsafe::windows();
    let root = windows.as_ref().and_then(|path| path.ancestors().last());
    root.map_or_else(|| PathBuf::from("C:\\"), PathBuf::from)
}

/// Carries out one target of a job.
pub(super) fn clean_target(job: &Job, target: Target) -> CleanedTarget {
    let mut tally = Tally::default();
    match Dir::root(&job.root) {
        Ok(root) => {
            for place in of(target) {
                // Stopped or not, what was done is counted.
                if clean_place(job, &root, place, &mut tally).is_err() {
                    break;
                }
            }
        }
        Err(error) => tally.failed(&format!("{}: {error}", job.root.display())),
    }
    tally.finish(target.name())
}

/// A `*` in a path stands for each directory there.
fn clean_place(job: &Job, root: &Dir, place: &Place, tally: &mut Tally) -> Result<(), Stopped> {
    let Some((above, below)) = place.path.split_once("\\*") else {
        return clean_directory(job, descend(root, place.path), place, place.path.into(), tally);
    };
    let each = match descend(root, above) {
        Ok(each) => each,
        Err(error) => return clean_directory(job, Err(error), place, above.into(), tally),
    };
    let names: Vec<_> =
        each.entries().filter(file_unsafe::Entry::is_plain_directory).map(|e| e.name).collect();
    for name in names.iter().take(MAX_USERS) {
        let at = format!("{above}\\{}{below}", String::from_utf16_lossy(name));
        let found = each.directory(name).and_then(|user| descend(&user, below.trim_start_matches('\\')));
        clean_directory(job, found, place, at, tally)?;
    }
    Ok(())
}

/// One name at a time.
fn descend(from: &Dir, path: &str) -> io::Result<Dir> {
    let mut parts = path.split('\\').filter(|part| !part.is_empty());
    let units = |part: &str| part.encode_utf16().collect::<Vec<u16>>();
    let first = parts.next().map_or_else(|| from.again(), |part| from.directory(&units(part)))?;
    parts.try_fold(first, |dir, part| dir.directory(&units(part)))
}

/// What is not there, or is another user's own and closed to the agent, is left out quietly.
fn clean_directory(
    job: &Job,
    found: io::Result<Dir>,
    place: &Place,
    at: String,
    tally: &mut Tally,
) -> Result<(), Stopped> {
    match found {
        Ok(directory) => {
            let min_age = job.older_than.unwrap_or(days(place.days));
            let rule = Rule { min_age, names: place.names, whole: place.whole };
            let mut walk = Walk { rule, job, tally, at: job.root.join(at) };
            walk.run(&directory)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            tally.failed(&format!("{}: {error}", job.root.join(at).display()));
            Ok(())
        }
    }
}

/// A directory whose entries a target removes.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Below the system drive. `*` stands for each directory there.
    pub path: &'static str,
    /// Age from which entries are removed when none is asked for, in days.
    pub days: u32,
    /// Which of them.
    pub names: Names,
    /// An entry goes or stays as a whole, by its own age.
    pub whole: bool,
}

const fn place(path: &'static str, days: u32, names: Names) -> Place {
    Place { path, days, names, whole: false }
}

const TEMP: &[Place] =
    &[place(r"Windows\Temp", 10, Names::All), place(r"Users\*\AppData\Local\Temp", 10, Names::All)];
/// What the servicing stack and setup set aside.
const LOGS: &[Place] = &[
    place(r"Windows\Logs\CBS", 30, Names::Own(&[("CbsPersist_", ".cab"), ("CbsPersist_", ".log")])),
    place(r"Windows\Logs\WindowsUpdate", 30, Names::Own(&[("", ".etl")])),
    place(r"Windows\Logs\waasmedic", 30, Names::Own(&[("", ".etl")])),
    place(r"ProgramData\USOShared\Logs\System", 30, Names::Own(&[("", ".etl")])),
];
/// Windows Update downloads again what it still needs; ten days leave a download that is under way alone.
const UPDATES: &[Place] = &[place(r"Windows\SoftwareDistribution\Download", 10, Names::All)];
const CRASH_DUMPS: &[Place] = &[
    place(r"Windows", 7, Names::Own(&[("MEMORY", ".DMP")])),
    place(r"Windows\Minidump", 7, Names::Ending(&[".dmp", ".DMP"])),
    place(r"Windows\LiveKernelReports", 7, Names::Ending(&[".dmp", ".DMP"])),
    place(r"ProgramData\Microsoft\Windows\WER\ReportArchive", 7, Names::All),
    place(r"ProgramData\Microsoft\Windows\WER\ReportQueue", 7, Names::All),
    place(r"Users\*\AppData\Local\CrashDumps", 7, Names::Ending(&[".dmp", ".DMP"])),
];
const THUMBNAILS: &[Place] = &[place(
    r"Users\*\AppData\Local\Microsoft\Windows\Explorer",
    30,
    Names::Own(&[("thumbcache_", ".db"), ("iconcache_", ".db")]),
)];
/// One directory for each user, with `$I…` and `$R…` for each thing that was thrown away.
const TRASH: &[Place] = &[Place { whole: true, ..place(r"$Recycle.Bin\*", 30, Names::NoDesktopIni) }];

/// A target's directories.
const fn of(target: Target) -> &'static [Place] {
    match target {
        Target::Temp => TEMP,
        Target::Logs => LOGS,
        Target::PackageCache => UPDATES,
        Target::CrashDumps => CRASH_DUMPS,
        Target::Thumbnails => THUMBNAILS,
        Target::Trash => TRASH,
    }
}
