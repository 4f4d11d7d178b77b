//! Which files and directories running programs hold: descriptors, mappings, working directories.

use crate::cleanup::tally::Inode;
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After this a walk looks again: programs open files meanwhile.
const MAX_AGE: Duration = Duration::from_secs(1);
/// More than this is not kept; then nothing can be said, and nothing is removed.
const MAX_HELD: usize = 2_000_000;

/// A look at `/proc`, taken anew when it has grown old.
#[derive(Debug)]
pub(super) struct InUse {
    proc: PathBuf,
    held: HashSet<Inode>,
    complete: bool,
    taken: Instant,
}

impl InUse {
    /// Looks at the processes below `proc`.
    pub fn look(proc: &Path) -> Self {
        let mut this =
            Self { proc: proc.to_path_buf(), held: HashSet::new(), complete: false, taken: Instant::now() };
        this.renew();
        this
    }

    /// Whether something holds it; true as well where that cannot be told.
    pub fn holds(&mut self, inode: Inode) -> bool {
        if self.taken.elapsed() > MAX_AGE {
            self.renew();
        }
        !self.complete || self.held.contains(&inode)
    }

    /// Whether the processes could be looked at.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    fn renew(&mut self) {
        self.held.clear();
        let own = std::process::id().to_string();
        let Ok(processes) = fs::read_dir(&self.proc) else {
            self.complete = false;
            return;
        };
        for process in processes.flatten() {
            let name = process.file_name();
            let name = name.to_string_lossy();
            if name.bytes().all(|byte| byte.is_ascii_digit()) {
                self.add(&process.path(), *name == own);
            }
        }
        self.complete = self.held.len() < MAX_HELD;
        self.taken = Instant::now();
    }

    /// A process that ends meanwhile holds nothing any more. Of the agent itself, directories do not count: the walk has
    /// them open.
    fn add(&mut self, process: &Path, own: bool) {
        let held =
            |path: &Path| inode(path).filter(|(_, directory)| !(own && *directory)).map(|found| found.0);
        self.held.extend(held(&process.join("cwd")).into_iter().chain(held(&process.join("root"))));
        let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        let room = MAX_HELD.saturating_sub(self.held.len());
        self.held.extend(descriptors.filter_map(|fd| held(&fd.path())).take(room));
        let maps = fs::read_to_string(process.join("maps")).unwrap_or_default();
        let room = MAX_HELD.saturating_sub(self.held.len());
        self.held.extend(maps.lines().filter_map(mapped).take(room));
    }
}

/// What a link of `/proc` leads to, and whether it is a directory. Never asks a server that may hang.
fn inode(link: &Path) -> Option<(Inode, bool)> {
    let flags = AtFlags::STATX_DONT_SYNC;
    let found = statx(CWD, link, flags, StatxFlags::TYPE | StatxFlags::INO).ok()?;
    let device = makedev(found.stx_dev_major, found.stx_dev_minor);
    let directory = rustix::fs::FileType::from_raw_mode(found.stx_mode.into()).is_dir();
    Some(((device, found.stx_ino), directory))
}

/// Device and inode of a line of `proc_pid_maps(5)`; `None` for memory without a file.
fn mapped(line: &str) -> Option<Inode> {
    let mut fields = line.split_ascii_whitespace();
    let (major, minor) = fields.nth(3)?.split_once(':')?;
    let number = fields.next()?.parse().ok().filter(|number| *number != 0)?;
    let part = |text| u32::from_str_radix(text, 16).ok();
    Some((makedev(part(major)?, part(minor)?), number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

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
    fn lines_of_maps_give_device_and_inode() {
        let line = "7f5c1c000000-7f5c1c021000 r-xp 00000000 fe:01 1312 /usr/lib/x86_64-linux-gnu/libc.so.6";
        assert_eq!(mapped(line), Some((makedev(0xfe, 1), 1312)));
        for line in ["", "7ffd-7ffe rw-p 00000000 00:00 0 [stack]", "a b c d e f", "a b c fe:zz 7"] {
            assert_eq!(mapped(line), None, "{line}");
        }
    }

    #[test]
    fn where_the_processes_cannot_be_seen_everything_counts_as_held() {
        assert!(InUse::look(Path::new("/nowhere")).holds((1, 1)));
    }
}
