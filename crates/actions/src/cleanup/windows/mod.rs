//! Cleans the places of a Windows machine.
//!
//! SYSTEM walks through directories that users may write, so each is only ever opened by one name from the handle of the verified
//! one above it, never through a reparse point (links, junctions, mount points, files in a cloud), and a file is removed by its own
//! handle, opened so that nobody else has it open.

mod places;
#[cfg(test)]
mod tests;
mod walk;

use super::rule::Rule;
use super::tally::Tally;
use super::{Job, Target, days};
use infiniservice_platform::win32::directories_unsafe;
use infiniservice_platform::win32::file_unsafe::{self, Dir};
use infiniservice_protocol::data::CleanedTarget;
use places::Place;
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
            for place in places::of(target) {
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
