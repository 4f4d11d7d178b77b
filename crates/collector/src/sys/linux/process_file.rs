//! One file of one process in `/proc`, and its reader. Used in threads that may hang in it.

use super::files::{open, open_dir, read_once};
use crate::process::Record;
use infiniservice_platform::blocking::Item;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, readlinkat_raw};
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::path::Path;

/// `stat` has about 350 bytes, `status` about 1500.
const FILE_BYTES: usize = 4096;

/// What is read of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The one line that is read of all.
    Stat,
    /// Whose it is.
    Status,
    /// The link to its program.
    Program,
    /// Its arguments.
    Arguments,
    /// What it read and wrote.
    Io,
    /// The directory of its descriptors.
    Descriptors,
}

impl Kind {
    const fn file(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Status => "status",
            Self::Program => "exe",
            Self::Arguments => "cmdline",
            Self::Io => "io",
            Self::Descriptors => "fd",
        }
    }
}

/// One file of one process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessFile {
    /// Whose file it is.
    pub pid: u32,
    started: u64,
    kind: Kind,
    user: Option<u32>,
}

impl ProcessFile {
    /// The line that tells when the process began, too.
    pub fn stat(pid: u32) -> Self {
        Self { pid, started: 0, kind: Kind::Stat, user: None }
    }

    /// A file of a process that is known; `user` is whose it is, as far as that is known.
    pub fn of(record: &Record, kind: Kind, user: Option<u32>) -> Self {
        Self { pid: record.pid, started: record.started, kind, user }
    }

    /// Which it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Of which process: its number, and when it began.
    pub fn process(&self) -> (u32, u64) {
        (self.pid, self.started)
    }

    fn identity(&self) -> (u32, u64, Kind) {
        (self.pid, self.started, self.kind)
    }
}

impl Item for ProcessFile {
    /// Each kind of file counts by itself: where arguments hang, the rest is told. The superuser has no need of such means.
    fn owner(&self) -> Option<u64> {
        let user = self.user.filter(|user| *user != 0)?;
        Some((self.kind as u64) << 32 | u64::from(user))
    }
}

impl PartialEq for ProcessFile {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for ProcessFile {}

impl Hash for ProcessFile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for ProcessFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/proc/{}/{}", self.pid, self.kind.file())
    }
}

/// Reads such files with one buffer, each relative to the open tree, by a path of a few bytes.
#[derive(Debug)]
pub struct Reader {
    dir: Option<OwnedFd>,
    buffer: Vec<u8>,
    path: String,
}

impl Reader {
    /// Below `root`. Where it cannot be opened there is nothing to read.
    pub fn below(root: &Path) -> Self {
        let dir = open_dir(CWD, root).ok();
        Self { dir, buffer: vec![0; FILE_BYTES], path: String::with_capacity(32) }
    }

    /// What the file holds, or the link points to.
    pub fn read(&mut self, item: &ProcessFile) -> Option<&[u8]> {
        let dir = self.dir.as_ref()?;
        self.path.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "{}/{}", item.pid, item.kind.file());
        if item.kind == Kind::Program {
            let len = readlinkat_raw(dir, self.path.as_str(), &mut self.buffer[..]).ok()?;
            return self.buffer.get(..len);
        }
        let file = open(dir, self.path.as_str()).ok()?;
        read_once(file, &mut self.buffer).ok()
    }

    /// The tree.
    pub fn dir(&self) -> Option<&OwnedFd> {
        self.dir.as_ref()
    }
}
