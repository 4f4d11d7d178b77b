//! What a descriptor is open on, and which process is the agent: by numbers of the kernel's, which no user can choose.

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};
use std::fs;
use std::path::Path;

/// Majors of pseudo-terminals (Documentation/admin-guide/devices.txt). Each instance of devpts counts its own
/// from 0, and any user can mount one: their device number says nothing.
const PTY_MAJORS: std::ops::RangeInclusive<u32> = 136..=143;

/// A file, told from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    file: (u32, u32, u64),
    /// Of a character device other than a pseudo-terminal: its number.
    device: Option<(u32, u32)>,
}

impl Object {
    /// What is at a path; through `/proc/PID/fd/N`, what the descriptor is open on. A file system that some user's
    /// program serves is not asked, as it might never answer (`AT_STATX_DONT_SYNC`).
    pub fn at(path: &Path) -> Option<Self> {
        let found =
            statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::INO)
                .ok()?;
        let is_device = FileType::from_raw_mode(u32::from(found.stx_mode)) == FileType::CharacterDevice;
        let named = is_device && !PTY_MAJORS.contains(&found.stx_rdev_major);
        Some(Self {
            file: (found.stx_dev_major, found.stx_dev_minor, found.stx_ino),
            device: named.then_some((found.stx_rdev_major, found.stx_rdev_minor)),
        })
    }

    /// The same device, whatever node it was opened by; or the same file.
    pub fn is_same(&self, other: &Self) -> bool {
        self.file == other.file || (self.device.is_some() && self.device == other.device)
    }
}

/// How the agent's process is known.
#[derive(Debug, Default)]
pub struct Identity {
    main_pids: Vec<u32>,
    program: Option<Object>,
}

impl Identity {
    /// By the main processes of its units, which systemd tells.
    pub fn of_units(main_pids: impl IntoIterator<Item = u32>) -> Self {
        Self { main_pids: main_pids.into_iter().collect(), program: None }
    }

    /// And as root's process of the program that is running here.
    pub fn or_this_program(self) -> Self {
        Self { program: Object::at(Path::new("/proc/self/exe")), ..self }
    }

    /// Whether that process, with its directory in `/proc`, is the agent.
    pub fn is_it(&self, pid: u32, directory: &Path) -> bool {
        self.main_pids.contains(&pid) || (self.is_program(directory) && is_roots(directory))
    }

    fn is_program(&self, directory: &Path) -> bool {
        let running = || Object::at(&directory.join("exe"));
        self.program.is_some_and(|program| running().is_some_and(|exe| exe.is_same(&program)))
    }
}

/// By `status`, as seen from here: the directory's owner is root for every process that may not dump its memory.
fn is_roots(directory: &Path) -> bool {
    let status = fs::read(directory.join("status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let Some(ids) = status.lines().find_map(|line| line.strip_prefix("Uid:")) else { return false };
    let mut ids = ids.split_ascii_whitespace().peekable();
    ids.peek().is_some() && ids.all(|id| id == "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn process(root: &Path, uid: &str, exe: &Path) {
        fs::write(root.join("status"), format!("Name:\tinfiniservice\nUid:\t{uid}\n")).unwrap();
        symlink(exe, root.join("exe")).unwrap();
    }

    #[test]
    fn the_agent_is_roots_process_of_this_very_program() {
        let own = std::env::current_exe().unwrap();
        let cases = [
            ("0\t0\t0\t0", own.as_path(), true),
            ("1000\t1000\t1000\t1000", own.as_path(), false),
            ("1000\t0\t0\t0", own.as_path(), false),
            ("", own.as_path(), false),
            ("0\t0\t0\t0", Path::new("/bin/sh"), false),
        ];
        let agent = Identity::default().or_this_program();
        for (uid, exe, is_agent) in cases {
            let root = tempfile::tempdir().unwrap();
            process(root.path(), uid, exe);
            assert_eq!(agent.is_it(77, root.path()), is_agent, "{uid} {exe:?}");
        }
    }

    #[test]
    fn a_device_is_the_same_by_whatever_node_it_was_opened() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("vport1p1");
        symlink("/dev/null", &link).unwrap();
        let null = Object::at(Path::new("/dev/null")).unwrap();
        assert!(null.is_same(&Object::at(&link).unwrap()));
        assert!(!null.is_same(&Object::at(Path::new("/dev/zero")).unwrap()));
        let other_node = Object { file: (0, 1, 2), ..null };
        assert!(null.is_same(&other_node));
    }
}
