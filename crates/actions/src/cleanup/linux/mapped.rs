//! Files that processes have mapped, by the links of `/proc/PID/map_files`.
//!
//! The numbers in `/proc/PID/maps` are no use: on btrfs and in containers they are of another device than those that a
//! look at the file gives. The links lead to the file itself. Reading them waits for a lock that the process's owner can hold
//! for ever, and he can make them many: so they are read by threads that are left where they hang, up to a bound.

use super::in_use::inode;
use crate::cleanup::tally::Inode;
use infiniservice_platform::blocking::{Item, Lane, Series};
use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use std::collections::HashSet;
use std::fmt;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Mappings of one process that are looked at; what it has beyond, the kernel's own count of a file's users shows.
const MAX_MAPPINGS: usize = 20_000;
/// Reading one process's links takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub pid: u32,
    pub uid: u32,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the mapped files of process {}", self.pid)
    }
}

impl Item for Process {
    fn owner(&self) -> Option<u64> {
        Some(self.uid.into())
    }
}

/// Asks process after process, and remembers those that hang.
#[derive(Debug)]
pub(super) struct Mapped(Series<Process>);

impl Mapped {
    pub fn new() -> Self {
        Self(Series::new(Lane::Processes, "mapped files", PATIENCE))
    }

    /// What they have mapped, each file once. A process that hangs or ends meanwhile adds nothing.
    pub fn of(&mut self, proc: &Path, processes: &[Process]) -> impl Iterator<Item = Inode> {
        let proc = PathBuf::from(proc);
        let begin = move || {
            let proc = proc.clone();
            move |process: &Process| files(&proc.join(process.pid.to_string()))
        };
        self.0.each(processes, begin).into_iter().flatten().flatten()
    }
}

fn files(process: &Path) -> HashSet<Inode> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = openat(CWD, process.join("map_files"), flags, Mode::empty()) else {
        return HashSet::new();
    };
    let Ok(entries) = Dir::read_from(&directory) else { return HashSet::new() };
    let links = entries.flatten().take(MAX_MAPPINGS);
    links.filter_map(|link| Some(inode(directory.as_fd(), link.file_name())?.0)).collect()
}
