//! Goes through one place and removes what the rule lets go.
//!
//! The tree is hostile: whoever owns a part of it may rename, replace and link while the walk runs. So each directory is opened
//! by one name from the held descriptor of the one above (no link, no mount), compared with what was looked at, and what was
//! judged is held by a descriptor until it has gone ([`super::remove`]). From a user's directory only directories of the same
//! user are entered: nobody gets others' files removed by putting their directory inside his own.

use super::beneath;
use super::in_use::InUse;
use super::remove::{Judged, Removal, is_locked, remove};
use crate::cleanup::StopFlag;
use crate::cleanup::logs::{LogDirectory, Logrotate, Verdict, keeps_its_own};
use crate::cleanup::rule::{Names, Rule};
use crate::cleanup::tally::{Left, Tally};
use rustix::fs::{Dir, FileType, fstat};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Directories inside each other that are entered; each holds three descriptors.
const MAX_DEPTH: usize = 100;

/// The walk was told to end.
#[derive(Debug)]
pub(super) struct Stopped;

/// One walk.
pub(super) struct Walk<'a> {
    pub rule: Rule,
    pub dry_run: bool,
    pub now: SystemTime,
    pub stop: &'a StopFlag,
    pub in_use: &'a mut InUse,
    pub tally: &'a mut Tally,
    /// Where the walk is, for messages only.
    pub at: PathBuf,
    /// Told of each of the place's own entries that has gone.
    pub gone: &'a mut dyn FnMut(&CStr),
    /// Told of each entry as the last thing before it is acted on.
    pub about: &'a mut dyn FnMut(&Path),
    /// What logrotate says of logs.
    pub logrotate: &'a Logrotate,
}

/// The directory that is being gone through.
#[derive(Clone, Copy)]
struct Level<'a> {
    fd: BorrowedFd<'a>,
    device: u64,
    uid: u32,
    depth: usize,
    /// A directory above was old enough to go as a whole.
    doomed: bool,
    /// Its files, where these say which of them are logs that were set aside.
    logs: Option<&'a LogDirectory>,
}

impl Walk<'_> {
    /// Goes through the whole place; it stays itself.
    pub(super) fn run(&mut self, place: &OwnedFd) -> Result<(), Stopped> {
        match fstat(place) {
            Ok(stat) => {
                let (device, uid) = (stat.st_dev, stat.st_uid);
                self.directory(Level {
                    fd: place.as_fd(),
                    device,
                    uid,
                    depth: 0,
                    doomed: false,
                    logs: None,
                })?;
            }
            Err(errno) => self.failed(errno),
        }
        Ok(())
    }

    /// Whether nothing is left in it.
    fn directory(&mut self, level: Level<'_>) -> Result<bool, Stopped> {
        if self.rule.names != Names::RotatedLogs {
            return self.entries(level);
        }
        let logs = self.log_directory(level)?;
        self.entries(Level { logs: Some(&logs), ..level })
    }

    /// The names of the files there, before any of them goes.
    fn log_directory(&mut self, level: Level<'_>) -> Result<LogDirectory, Stopped> {
        let mut logs = LogDirectory::default();
        for entry in Dir::read_from(level.fd).into_iter().flatten().flatten() {
            if self.stop.is_set() {
                return Err(Stopped);
            }
            if !entry.file_type().is_dir() {
                logs.add(entry.file_name().to_bytes());
            }
        }
        Ok(logs)
    }

    fn entries(&mut self, level: Level<'_>) -> Result<bool, Stopped> {
        let entries = match Dir::read_from(level.fd) {
            Ok(entries) => entries,
            Err(errno) => {
                self.failed(errno);
                return Ok(false);
            }
        };
        let mut empty = true;
        for entry in entries {
            match entry {
                Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Ok(entry) => empty &= self.entry(level, entry.file_name())?,
                Err(errno) => {
                    self.failed(errno);
                    return Ok(false);
                }
            }
        }
        Ok(empty)
    }

    /// Whether it is gone, or in a dry run would be.
    fn entry(&mut self, level: Level<'_>, name: &CStr) -> Result<bool, Stopped> {
        if self.stop.is_set() {
            return Err(Stopped);
        }
        self.at.push(OsStr::from_bytes(name.to_bytes()));
        let gone = match Judged::at(level.fd, name) {
            Ok(judged) => self.known(level, name, &judged),
            Err(Errno::NOENT) => Ok(true),
            // A mount.
            Err(Errno::XDEV) => Ok(false),
            Err(errno) => {
                self.failed(errno);
                Ok(false)
            }
        };
        self.at.pop();
        if level.depth == 0 && matches!(gone, Ok(true)) {
            (self.gone)(name);
        }
        gone
    }

    /// Sockets, pipes and devices stay: somebody listens there, and they free nothing.
    fn known(&mut self, level: Level<'_>, name: &CStr, judged: &Judged) -> Result<bool, Stopped> {
        match judged.kind() {
            FileType::Directory => self.subdirectory(level, name, judged),
            FileType::RegularFile | FileType::Symlink => Ok(self.file(level, name, judged)),
            _ => Ok(false),
        }
    }

    fn file(&mut self, level: Level<'_>, name: &CStr, judged: &Judged) -> bool {
        let goes = self.rule.names.takes(level.depth, name.to_bytes()) && self.is_due(level, judged);
        if !goes || !self.is_no_live_log(level, name) {
            return false;
        }
        if self.in_use.holds(judged.inode()) {
            self.left(Left::InUse);
            return false;
        }
        let gone = self.remove(level, name, judged);
        if gone {
            self.tally.removed(judged.inode(), judged.links(), judged.bytes());
        }
        gone
    }

    /// Whether it is a log that was set aside, where only such ones go.
    fn is_no_live_log(&mut self, level: Level<'_>, name: &CStr) -> bool {
        let Some(logs) = level.logs else { return true };
        let at = self.at.parent().unwrap_or(Path::new("/"));
        match logs.judge(at, name.to_bytes(), self.logrotate) {
            Verdict::Rotated => true,
            Verdict::NoRotation => false,
            Verdict::Left(why) => {
                self.left(why);
                false
            }
        }
    }

    fn subdirectory(&mut self, level: Level<'_>, name: &CStr, judged: &Judged) -> Result<bool, Stopped> {
        // Before its entries go: that changes it.
        let due = self.is_due(level, judged);
        if !self.may_enter(level, name, judged) || self.rule.whole && !due {
            return Ok(false);
        }
        let fd = match beneath::same_mount_unseen(level.fd, name.to_bytes()) {
            Ok(fd) if judged.is(&fd) => fd,
            // Replaced since it was looked at, or a mount.
            Ok(_) | Err(Errno::LOOP | Errno::NOTDIR | Errno::NOENT | Errno::XDEV) => return Ok(false),
            Err(errno) => {
                self.failed(errno);
                return Ok(false);
            }
        };
        if !self.dry_run && is_locked(&fd) {
            self.left(Left::InUse);
            return Ok(false);
        }
        let (uid, depth, doomed) = (judged.uid(), level.depth + 1, self.rule.whole);
        let below = Level { fd: fd.as_fd(), device: level.device, uid, depth, doomed, logs: None };
        let empty = self.directory(below)?;
        let goes = empty && due && self.rule.names.takes_directories();
        Ok(goes && !self.in_use.holds(judged.inode()) && self.remove(level, name, judged))
    }

    fn may_enter(&mut self, level: Level<'_>, name: &CStr, judged: &Judged) -> bool {
        let theirs = level.uid == 0 || level.uid == judged.uid();
        let elsewhere = judged.inode().0 != level.device;
        if !theirs || elsewhere || !self.rule.names.enters(level.depth, name.to_bytes()) {
            return false;
        }
        // What lies below a database's directory is its matter too; /var/log itself is everybody's.
        let database = level.logs.is_some_and(|logs| logs.is_marked() && level.depth > 0);
        if database || level.logs.is_some() && keeps_its_own(name.to_bytes()) {
            self.left(Left::OwnRules);
            return false;
        }
        if level.depth >= MAX_DEPTH {
            self.tally.failed(&format!("{}: too deep, skipped", self.at.display()));
            return false;
        }
        if self.in_use.holds(judged.inode()) {
            self.left(Left::InUse);
            return false;
        }
        true
    }

    fn is_due(&self, level: Level<'_>, judged: &Judged) -> bool {
        level.doomed || self.rule.is_old(judged.newest(), self.now)
    }

    fn remove(&mut self, level: Level<'_>, name: &CStr, judged: &Judged) -> bool {
        if self.dry_run {
            return true;
        }
        let Self { about, at, .. } = self;
        match remove(level.fd, name, judged, &mut || about(at)) {
            Ok(Removal::Gone) => true,
            Ok(Removal::Left(why)) => {
                self.left(why);
                false
            }
            Ok(Removal::Filled) => false,
            Err(why) => {
                self.tally.failed(&format!("{}: {why}", self.at.display()));
                false
            }
        }
    }

    fn left(&mut self, why: Left) {
        self.tally.left(why, &self.at.to_string_lossy());
    }

    fn failed(&mut self, errno: Errno) {
        let why = std::io::Error::from(errno);
        self.tally.failed(&format!("{}: {why}", self.at.display()));
    }
}
