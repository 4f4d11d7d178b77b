//! Removes the very object that was judged, and no other that has got its name meanwhile.
//!
//! Linux removes by names only. So an object is held by a descriptor from the look on, which keeps its inode number from
//! being given anew; it is moved to a name that nobody else knows, compared there, and removed by that name. What turns out
//! to be another, or in use, is put back.

use super::beneath;
use crate::cleanup::tally::{Inode, Left};
use infiniservice_platform::lease_unsafe::is_open_elsewhere;
use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, RenameFlags, Statx, StatxFlags, StatxTimestamp,
    flock, makedev, openat, renameat_with, statx, unlinkat,
};
use rustix::io::Errno;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, SystemTime};

/// Names that are tried until one is free.
const ATTEMPTS: usize = 8;

/// An object as it was looked at, held by a descriptor that opens nothing.
#[derive(Debug)]
pub(super) struct Judged {
    fd: OwnedFd,
    stat: Statx,
}

/// What came of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// It is gone.
    Gone,
    /// It stays.
    Left(Left),
    /// A directory that was filled meanwhile.
    Filled,
}

impl Judged {
    /// What has this name in the directory; never a mount (`XDEV`), and no server of a file system is asked.
    pub(super) fn at(dir: BorrowedFd<'_>, name: &CStr) -> Result<Self, Errno> {
        let fd = beneath::pin(dir, name.to_bytes())?;
        let stat = look(fd.as_fd())?;
        Ok(Self { fd, stat })
    }

    pub(super) fn inode(&self) -> Inode {
        inode(&self.stat)
    }

    pub(super) fn uid(&self) -> u32 {
        self.stat.stx_uid
    }

    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.stx_mode.into())
    }

    pub(super) fn links(&self) -> u64 {
        self.stat.stx_nlink.into()
    }

    /// Space on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.stat.stx_blocks.saturating_mul(512)
    }

    /// The newest of the times that systemd-tmpfiles reckons ages by (tmpfiles.d(5)): last access, last write and, except
    /// for directories, last change of the inode.
    pub(super) fn newest(&self) -> SystemTime {
        let used = time(self.stat.stx_atime).max(time(self.stat.stx_mtime));
        if self.kind().is_dir() { used } else { used.max(time(self.stat.stx_ctime)) }
    }

    /// Whether a descriptor leads to it.
    pub(super) fn is(&self, fd: &OwnedFd) -> bool {
        look(fd.as_fd())
            .is_ok_and(|found| inode(&found) == self.inode() && found.stx_uid == self.stat.stx_uid)
    }

    /// Whether the name leads to it.
    fn has_name(&self, dir: BorrowedFd<'_>, name: &[u8]) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
        statx(dir, name, flags, StatxFlags::BASIC_STATS).is_ok_and(|found| inode(&found) == self.inode())
    }

    /// Whether it was read or written since it was looked at.
    fn was_used(&self) -> bool {
        let times = |stat: &Statx| (time(stat.stx_atime), time(stat.stx_mtime), stat.stx_size);
        !self.kind().is_dir() && !look(self.fd.as_fd()).is_ok_and(|now| times(&now) == times(&self.stat))
    }

    /// Whether somebody has it open or locked. Where that cannot be told, the look through the processes counts.
    fn is_held(&self) -> bool {
        if !self.kind().is_file() {
            return false;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(CWD, format!("/proc/self/fd/{}", self.fd.as_raw_fd()), flags, Mode::empty()) {
            Ok(file) => is_locked(&file) || is_open_elsewhere(file.as_fd()) == Some(true),
            // Somebody else has a lease.
            Err(error) => error == Errno::WOULDBLOCK,
        }
    }
}

/// Whether somebody holds an flock(2), by which systemd-tmpfiles(8) lets what is in use be kept. It is ours as long as the
/// descriptor lives.
pub(super) fn is_locked(fd: &OwnedFd) -> bool {
    flock(fd, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
}

/// Removes what was judged. `about` is called as the last thing before it is acted on.
pub(super) fn remove(
    dir: BorrowedFd<'_>,
    name: &CStr,
    judged: &Judged,
    about: &mut dyn FnMut(),
) -> Result<Removal, String> {
    if !judged.has_name(dir, name.to_bytes()) {
        return Ok(Removal::Left(Left::Changed));
    }
    about();
    match set_aside(dir, name) {
        Ok(own) => finish(dir, name, &own, judged),
        Err(Errno::NOENT) => Ok(Removal::Gone),
        // File systems that cannot move without replacing: compared once more, as the last thing before.
        Err(Errno::INVAL | Errno::NOSYS) if judged.is_held() => Ok(Removal::Left(Left::InUse)),
        Err(Errno::INVAL | Errno::NOSYS) if judged.has_name(dir, name.to_bytes()) => {
            unlink(dir, name.to_bytes(), judged).map_err(words)
        }
        // EBUSY: a mount since.
        Err(Errno::BUSY | Errno::INVAL | Errno::NOSYS) => Ok(Removal::Left(Left::Changed)),
        Err(errno) => Err(words(errno)),
    }
}

/// Gives it a name in the same directory that nobody can have foreseen.
fn set_aside(dir: BorrowedFd<'_>, name: &CStr) -> Result<Vec<u8>, Errno> {
    let mut last = Errno::EXIST;
    for _ in 0..ATTEMPTS {
        let own = format!(".infiniservice-{:016x}", fastrand::u64(..)).into_bytes();
        match renameat_with(dir, name, dir, own.as_slice(), RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(own),
            Err(Errno::EXIST) => {}
            Err(errno) => last = errno,
        }
        if last != Errno::EXIST {
            break;
        }
    }
    Err(last)
}

fn finish(dir: BorrowedFd<'_>, name: &CStr, own: &[u8], judged: &Judged) -> Result<Removal, String> {
    let stays = if !judged.has_name(dir, own) || judged.was_used() {
        Ok(Removal::Left(Left::Changed))
    } else if judged.is_held() {
        Ok(Removal::Left(Left::InUse))
    } else {
        match unlink(dir, own, judged) {
            Ok(Removal::Gone) => return Ok(Removal::Gone),
            other => other.map_err(words),
        }
    };
    put_back(dir, own, name)?;
    stays
}

fn unlink(dir: BorrowedFd<'_>, name: &[u8], judged: &Judged) -> Result<Removal, Errno> {
    let flags = if judged.kind().is_dir() { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    match unlinkat(dir, name, flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(Removal::Gone),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Removal::Filled),
        Err(errno) => Err(errno),
    }
}

/// Gives it its name back, also where somebody has taken that in between: who had it first has it.
pub(super) fn put_back(dir: BorrowedFd<'_>, own: &[u8], name: &CStr) -> Result<(), String> {
    match renameat_with(dir, own, dir, name, RenameFlags::NOREPLACE) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(misplaced(own, &words(errno))),
    }
    match renameat_with(dir, own, dir, name, RenameFlags::EXCHANGE) {
        Ok(()) => Err(misplaced(own, "another file had its name and got it back")),
        Err(errno) => Err(misplaced(own, &words(errno))),
    }
}

fn misplaced(own: &[u8], why: &str) -> String {
    format!("a file that got this name meanwhile is now called {}: {why}", String::from_utf8_lossy(own))
}

fn words(errno: Errno) -> String {
    io::Error::from(errno).to_string()
}

fn look(fd: BorrowedFd<'_>) -> Result<Statx, Errno> {
    statx(fd, c"", AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC, StatxFlags::BASIC_STATS)
}

fn inode(stat: &Statx) -> Inode {
    (makedev(stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino)
}

fn time(stamp: StatxTimestamp) -> SystemTime {
    let seconds = Duration::from_secs(u64::try_from(stamp.tv_sec).unwrap_or_default());
    SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(stamp.tv_nsec.into())
}
