//! Goes through one place and removes what the rule lets go.

use crate::cleanup::Job;
use crate::cleanup::rule::Rule;
use crate::cleanup::tally::{Left, Tally};
use infiniservice_platform::win32::file_unsafe::{Dir, Entry, Failure};
use std::path::PathBuf;

/// Directories inside each other that are entered; each holds a handle.
const MAX_DEPTH: usize = 100;

/// The walk was told to end.
#[derive(Debug)]
pub(super) struct Stopped;

/// One walk.
pub(super) struct Walk<'a> {
    pub rule: Rule,
    pub job: &'a Job,
    pub tally: &'a mut Tally,
    /// Where the walk is, for messages only.
    pub at: PathBuf,
}

impl Walk<'_> {
    /// Goes through the whole place; it stays itself.
    pub fn run(&mut self, place: &Dir) -> Result<(), Stopped> {
        self.directory(place, 0, false).map(|_| ())
    }

    /// Whether nothing is left in it.
    fn directory(&mut self, directory: &Dir, depth: usize, doomed: bool) -> Result<bool, Stopped> {
        let mut empty = true;
        for entry in directory.entries() {
            if self.job.stop.is_set() {
                return Err(Stopped);
            }
            self.at.push(String::from_utf16_lossy(&entry.name));
            let gone = self.entry(directory, &entry, depth, doomed);
            self.at.pop();
            empty &= gone?;
        }
        Ok(empty)
    }

    /// Whether it is gone, or in a dry run would be. Reparse points stay as they are.
    fn entry(&mut self, above: &Dir, entry: &Entry, depth: usize, doomed: bool) -> Result<bool, Stopped> {
        let due = doomed || self.rule.is_old(entry.changed, self.job.now);
        if entry.is_reparse_point() {
            return Ok(false);
        }
        if entry.is_plain_directory() {
            return self.subdirectory(above, entry, depth, due);
        }
        let name = String::from_utf16_lossy(&entry.name);
        Ok(due && self.rule.names.takes(depth, name.as_bytes()) && self.file(above, entry))
    }

    fn file(&mut self, above: &Dir, entry: &Entry) -> bool {
        match above.remove_file(entry, self.job.dry_run) {
            Ok(removed) => {
                self.tally.removed(removed.inode, removed.links, entry.allocated);
                true
            }
            Err(failure) => self.failed(failure),
        }
    }

    fn subdirectory(&mut self, above: &Dir, entry: &Entry, depth: usize, due: bool) -> Result<bool, Stopped> {
        let name = String::from_utf16_lossy(&entry.name);
        if !self.rule.names.enters(depth, name.as_bytes()) || self.rule.whole && !due {
            return Ok(false);
        }
        if depth >= MAX_DEPTH {
            self.tally.failed(&format!("{}: too deep, skipped", self.at.display()));
            return Ok(false);
        }
        let directory = match above.directory_for_walk(entry) {
            Ok(directory) => directory,
            Err(failure) => return Ok(self.failed(failure)),
        };
        let empty = self.directory(&directory, depth + 1, self.rule.whole)?;
        if !(empty && due && self.rule.names.takes_directories()) {
            return Ok(false);
        }
        match directory.remove(self.job.dry_run) {
            Ok(()) => Ok(true),
            Err(failure) => Ok(self.failed(failure)),
        }
    }

    /// Whether it is gone all the same. What somebody uses stays, which is no failure.
    fn failed(&mut self, failure: Failure) -> bool {
        match failure {
            Failure::Gone => true,
            Failure::InUse => self.left(Left::InUse),
            Failure::Changed => self.left(Left::Changed),
            Failure::Other(error) => {
                self.tally.failed(&format!("{}: {error}", self.at.display()));
                false
            }
        }
    }

    fn left(&mut self, why: Left) -> bool {
        self.tally.left(why, &self.at.to_string_lossy());
        false
    }
}
