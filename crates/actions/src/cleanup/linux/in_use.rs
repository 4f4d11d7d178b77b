//! Which files and directories running programs hold: descriptors, mappings, working directories.

use crate::cleanup::tally::Inode;
use infiniservice_platform::blocking::{Item, Lane, Series};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, StatxFlags, makedev, openat, statx};
use rustix::path::Arg;
use std::collections::HashSet;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, fs};

/// After this a walk looks again: programs open files meanwhile.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Or after so many times what a look takes: who makes it slow shall not have it taken for each file.
const MAX_AGE_IN_LOOKS: u32 = 10;
/// More than this is not kept; then nothing can be said, and nothing is removed.
const MAX_HELD: usize = 500_000;

/// A look at `/proc`, taken anew when it has grown old.
#[derive(Debug)]
pub(super) struct InUse {
    proc: PathBuf,
    held: HashSet<Inode>,
    mapped: Mapped,
    complete: bool,
    taken: Instant,
    took: Duration,
}

impl InUse {
    /// Looks at the processes below `proc`.
    pub(super) fn look(proc: &Path) -> Self {
        let mut this = Self {
            proc: proc.to_path_buf(),
            held: HashSet::new(),
            mapped: Mapped::new(),
            complete: false,
            taken: Instant::now(),
            took: Duration::ZERO,
        };
        this.renew();
        this
    }

    /// Whether something holds it; true as well where that cannot be told.
    pub(super) fn holds(&mut self, inode: Inode) -> bool {
        if self.taken.elapsed() > MAX_AGE.max(self.took * MAX_AGE_IN_LOOKS) {
            self.renew();
        }
        !self.complete || self.held.contains(&inode)
    }

    /// Whether the processes could be looked at.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    fn renew(&mut self) {
        let began = Instant::now();
        self.held.clear();
        let own = std::process::id();
        let Ok(processes) = fs::read_dir(&self.proc) else {
            self.complete = false;
            return;
        };
        let processes: Vec<Process> = processes.flatten().filter_map(|entry| process(&entry)).collect();
        for process in &processes {
            self.add(&self.proc.join(process.pid.to_string()), process.pid == own);
        }
        self.complete = self.held.len() < MAX_HELD;
        let room = MAX_HELD.saturating_sub(self.held.len()).saturating_sub(1);
        self.held.extend(self.mapped.of(&self.proc, &processes).take(room));
        self.taken = Instant::now();
        self.took = began.elapsed();
    }

    /// A process that ends meanwhile holds nothing any more. Of the agent itself, directories do not count: the walk has
    /// them open.
    fn add(&mut self, process: &Path, own: bool) {
        let held =
            |path: &Path| inode(CWD, path).filter(|(_, directory)| !(own && *directory)).map(|found| found.0);
        self.held.extend(held(&process.join("cwd")).into_iter().chain(held(&process.join("root"))));
        let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        let room = MAX_HELD.saturating_sub(self.held.len());
        self.held.extend(descriptors.filter_map(|fd| held(&fd.path())).take(room));
    }
}

fn process(entry: &fs::DirEntry) -> Option<Process> {
    let pid = entry.file_name().to_str()?.parse().ok()?;
    Some(Process { pid, uid: entry.metadata().ok()?.uid() })
}

/// What a link of `/proc` leads to, and whether it is a directory. Never asks a server that may hang.
pub(super) fn inode(from: impl AsFd, link: impl Arg) -> Option<(Inode, bool)> {
    let flags = AtFlags::STATX_DONT_SYNC;
    let found = statx(from, link, flags, StatxFlags::TYPE | StatxFlags::INO).ok()?;
    let device = makedev(found.stx_dev_major, found.stx_dev_minor);
    let directory = rustix::fs::FileType::from_raw_mode(found.stx_mode.into()).is_dir();
    Some(((device, found.stx_ino), directory))
}

/// Mappings of one process that are looked at; what it has beyond, the kernel's own count of a file's users shows.
const MAX_MAPPINGS: usize = 20_000;
/// Reading one process's links takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(1);

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
    pub(super) fn new() -> Self {
        Self(Series::new(Lane::Processes, "mapped files", TIMEOUT))
    }

    /// What they have mapped, each file once. A process that hangs or ends meanwhile adds nothing.
    pub(super) fn of(&mut self, proc: &Path, processes: &[Process]) -> impl Iterator<Item = Inode> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_is_held_until_it_is_closed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let meta = file.as_file().metadata().unwrap();
        let inode = (meta.dev(), meta.ino());
        assert!(InUse::look(Path::new("/proc")).holds(inode));
        let kept = file.into_temp_path();
        assert!(!InUse::look(Path::new("/proc")).holds(inode));
        drop(kept);
    }

    #[test]
    fn a_program_that_runs_holds_its_file_though_no_descriptor_does() {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("left out: links of map_files take root");
        }
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("sleep");
        fs::copy("/bin/sleep", &program).unwrap();
        let meta = program.metadata().unwrap();
        let mut running = std::process::Command::new(&program).arg("1000").spawn().unwrap();
        let held = InUse::look(Path::new("/proc")).holds((meta.dev(), meta.ino()));
        running.kill().unwrap();
        running.wait().unwrap();
        assert!(held && !InUse::look(Path::new("/proc")).holds((meta.dev(), meta.ino())));
    }

    #[test]
    fn where_the_processes_cannot_be_seen_everything_counts_as_held() {
        assert!(InUse::look(Path::new("/nowhere")).holds((1, 1)));
    }
}
