//! Goes through one place and removes what the rule lets go.
//!
//! The tree is hostile: whoever owns a part of it may rename, replace and link while the walk runs. So each directory is opened
//! by one name from the held descriptor of the one above (no link, no mount), compared with what was looked at, and entries are
//! removed by their name in that descriptor (`unlinkat(2)` follows no link). From a user's directory only directories of the
//! same user are entered: nobody gets others' files removed by putting their directory inside his own.

use super::beneath;
use super::in_use::InUse;
use crate::cleanup::StopFlag;
use crate::cleanup::rule::Rule;
use crate::cleanup::tally::Tally;
use rustix::fs::{AtFlags, Dir, FileType, Stat, fstat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Directories inside each other that are entered; each holds two descriptors.
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
}

impl Walk<'_> {
    /// Goes through the whole place; it stays itself.
    pub fn run(&mut self, place: &OwnedFd) -> Result<(), Stopped> {
        match fstat(place) {
            Ok(stat) => {
                let (device, uid) = (stat.st_dev, stat.st_uid);
                self.directory(Level { fd: place.as_fd(), device, uid, depth: 0, doomed: false })?;
            }
            Err(errno) => self.failed(errno),
        }
        Ok(())
    }

    /// Whether nothing is left in it.
    fn directory(&mut self, level: Level<'_>) -> Result<bool, Stopped> {
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
        let gone = match statat(level.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => self.known(level, name, &stat),
            Err(Errno::NOENT) => Ok(true),
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
    fn known(&mut self, level: Level<'_>, name: &CStr, stat: &Stat) -> Result<bool, Stopped> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.subdirectory(level, name, stat),
            FileType::RegularFile | FileType::Symlink => Ok(self.file(level, name, stat)),
            _ => Ok(false),
        }
    }

    fn file(&mut self, level: Level<'_>, name: &CStr, stat: &Stat) -> bool {
        let inode = (stat.st_dev, stat.st_ino);
        let goes = self.rule.names.takes(level.depth, name.to_bytes()) && self.is_due(level, stat);
        if !goes || self.in_use.holds(inode) || !self.unlink(level, name, AtFlags::empty()) {
            return false;
        }
        let blocks = u64::try_from(stat.st_blocks).unwrap_or_default();
        #[allow(clippy::useless_conversion, reason = "32 bits wide on some architectures")]
        self.tally.removed(inode, u64::from(stat.st_nlink), blocks.saturating_mul(512));
        true
    }

    fn subdirectory(&mut self, level: Level<'_>, name: &CStr, stat: &Stat) -> Result<bool, Stopped> {
        // Before its entries go: that changes it.
        let due = self.is_due(level, stat);
        if !self.may_enter(level, name, stat) || self.rule.whole && !due {
            return Ok(false);
        }
        let fd = match beneath::same_mount(level.fd, name.to_bytes()) {
            Ok(fd) if is_same(&fd, stat) => fd,
            // Replaced since it was looked at, or a mount.
            Ok(_) | Err(Errno::LOOP | Errno::NOTDIR | Errno::NOENT | Errno::XDEV) => return Ok(false),
            Err(errno) => {
                self.failed(errno);
                return Ok(false);
            }
        };
        let (uid, depth, doomed) = (stat.st_uid, level.depth + 1, self.rule.whole);
        let empty = self.directory(Level { fd: fd.as_fd(), device: level.device, uid, depth, doomed })?;
        let goes = empty && due && self.rule.names.takes_directories();
        Ok(goes && self.unlink(level, name, AtFlags::REMOVEDIR))
    }

    fn may_enter(&mut self, level: Level<'_>, name: &CStr, stat: &Stat) -> bool {
        let theirs = level.uid == 0 || level.uid == stat.st_uid;
        if !theirs || stat.st_dev != level.device || !self.rule.names.enters(level.depth, name.to_bytes()) {
            return false;
        }
        if level.depth >= MAX_DEPTH {
            self.tally.failed(&format!("{}: too deep, left as it is", self.at.display()));
            return false;
        }
        !self.in_use.holds((stat.st_dev, stat.st_ino))
    }

    fn is_due(&self, level: Level<'_>, stat: &Stat) -> bool {
        level.doomed || self.rule.is_old(changed(stat), self.now)
    }

    fn unlink(&mut self, level: Level<'_>, name: &CStr, flags: AtFlags) -> bool {
        if self.dry_run {
            return true;
        }
        match unlinkat(level.fd, name, flags) {
            Ok(()) | Err(Errno::NOENT) => true,
            // Filled or replaced since it was looked at.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::ISDIR | Errno::NOTDIR) => false,
            Err(errno) => {
                self.failed(errno);
                false
            }
        }
    }

    fn failed(&mut self, errno: Errno) {
        let why = std::io::Error::from(errno);
        self.tally.failed(&format!("{}: {why}", self.at.display()));
    }
}

fn is_same(fd: &OwnedFd, stat: &Stat) -> bool {
    fstat(fd).is_ok_and(|opened| {
        (opened.st_dev, opened.st_ino, opened.st_uid) == (stat.st_dev, stat.st_ino, stat.st_uid)
    })
}

/// The later of the last write and the last change of name, owner or place; the latter cannot be set back by its owner.
fn changed(stat: &Stat) -> SystemTime {
    let time = |seconds: i64| {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    };
    time(stat.st_mtime).max(time(stat.st_ctime))
}
