//! Files that root obeys, runs, or keeps a secret in: opened once, and judged by their descriptor. Only root is protected so where a
//! file is read: whoever starts the agent as himself may trust his own files. What is to be run must be root's or his own.
//!
//! A trusted file is opened by a walk over its path as it is named, one component after the other: each directory and each link on
//! the way is looked at by its descriptor, so that what was checked is what is read, whoever exchanges names meanwhile.

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path};

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct TrustedFile {
    file: File,
    facts: Facts,
}

impl TrustedFile {
    /// Opens it; `None` where there is none. Refuses one that others than root could change or replace while the agent runs as root.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        Self::opened(open_walking(path, rustix::process::geteuid().is_root().then_some(0)))
    }

    /// The same of what is run, or read by what is run: refuses a file that others than root and whoever runs the agent could
    /// change or replace.
    pub fn open_code(path: &Path) -> Result<Option<Self>, String> {
        Self::opened(open_walking(path, Some(rustix::process::geteuid().as_raw())))
    }

    /// Whether anybody may run it.
    pub fn is_executable(&self) -> bool {
        self.facts.mode & 0o111 != 0
    }

    fn opened(found: Result<(File, Facts), NotOpened>) -> Result<Option<Self>, String> {
        match found {
            Ok((file, facts)) => Ok(Some(Self { file, facts })),
            Err(NotOpened::Missing) => Ok(None),
            Err(NotOpened::Refused(problem)) => Err(problem),
        }
    }

    /// Refuses a file with a secret in it that others than its owner may open.
    pub fn check_not_readable_by_others(&self) -> Result<(), String> {
        secret_is_safe(&self.facts, 0o077)
    }

    /// Refuses a file with a secret in it that everybody may open; a group may.
    pub fn check_not_open_to_all(&self) -> Result<(), String> {
        secret_is_safe(&self.facts, 0o007)
    }

    /// To read from.
    pub fn reader(&self) -> &File {
        &self.file
    }
}

/// As many links as the system follows (`path_resolution(7)`).
const MAX_LINKS: usize = 40;
/// It never waits for a writer or a terminal, and goes to no child.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY)
    .union(OFlags::NOFOLLOW);

/// Why nothing was opened.
#[derive(Debug)]
enum NotOpened {
    /// No such file.
    Missing,
    /// It is refused, or cannot be read.
    Refused(String),
}

impl From<Errno> for NotOpened {
    fn from(error: Errno) -> Self {
        if error == Errno::NOENT { Self::Missing } else { Self::Refused(format!("cannot be read: {error}")) }
    }
}

/// Opens a regular file. Where there is `only`, nobody but root and this user may be able to put another file in its place.
fn open_walking(path: &Path, only: Option<u32>) -> Result<(File, Facts), NotOpened> {
    let path = std::path::absolute(path).map_err(|e| NotOpened::Refused(format!("cannot be read: {e}")))?;
    let mut walk = Walk { at: root()?, ahead: reversed(&path), links: 0, only };
    walk.check_directory()?;
    while let Some(name) = walk.ahead.pop() {
        if let Some(file) = walk.step(&name)? {
            return opened(file, only);
        }
    }
    Err(NotOpened::Refused("is not a regular file".into()))
}

struct Walk {
    at: OwnedFd,
    /// What is left of the path, the next component last.
    ahead: Vec<OsString>,
    links: usize,
    /// Whose word counts beside root's; everybody's where there is none.
    only: Option<u32>,
}

impl Walk {
    /// Goes over one component; the file where it is the last.
    fn step(&mut self, name: &OsStr) -> Result<Option<OwnedFd>, NotOpened> {
        let found = statat(&self.at, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Symlink => self.follow(name, &found).map(|()| None),
            FileType::Directory => self.enter(name).map(|()| None),
            FileType::RegularFile if self.ahead.is_empty() => {
                Ok(Some(openat(&self.at, name, READ, Mode::empty())?))
            }
            FileType::RegularFile => Err(Errno::NOTDIR.into()),
            _ => Err(NotOpened::Refused("is not a regular file".into())),
        }
    }

    fn enter(&mut self, name: &OsStr) -> Result<(), NotOpened> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.at = openat(&self.at, name, flags, Mode::empty())?;
        self.check_directory()
    }

    /// A link in a directory where all may make files is its owner's to change.
    fn follow(&mut self, name: &OsStr, link: &Stat) -> Result<(), NotOpened> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP.into());
        }
        if let Some(own) = self.only {
            link_is_safe(&facts(link), own).map_err(NotOpened::Refused)?;
        }
        let target = OsString::from_vec(readlinkat(&self.at, name, Vec::new())?.into_bytes());
        let target = Path::new(&target);
        if target.is_absolute() {
            self.at = root()?;
        }
        self.ahead.append(&mut reversed(target));
        Ok(())
    }

    fn check_directory(&self) -> Result<(), NotOpened> {
        let found = fstat(&self.at)?;
        self.only.map_or(Ok(()), |own| directory_is_safe(&facts(&found), own).map_err(NotOpened::Refused))
    }
}

fn root() -> Result<OwnedFd, Errno> {
    openat(CWD, "/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut names: Vec<_> = names.map(|part| part.as_os_str().to_owned()).collect();
    names.reverse();
    names
}

/// The file that was opened, which may be another than the one that was looked at by name.
fn opened(file: OwnedFd, only: Option<u32>) -> Result<(File, Facts), NotOpened> {
    let found = fstat(file.as_fd())?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(NotOpened::Refused("is not a regular file".into()));
    }
    let facts = facts(&found);
    if let Some(own) = only {
        file_is_safe(&facts, own).map_err(NotOpened::Refused)?;
    }
    Ok((File::from(file), facts))
}

fn facts(found: &Stat) -> Facts {
    Facts { uid: found.st_uid, mode: found.st_mode & 0o7777 }
}

const STICKY: u32 = 0o1000;

/// Owner and permission bits.
#[derive(Debug)]
struct Facts {
    uid: u32,
    mode: u32,
}

impl Facts {
    /// Whether it belongs to somebody else than root and `own`.
    fn is_others(&self, own: u32) -> bool {
        self.uid != 0 && self.uid != own
    }
}

/// Who runs the agent, for a sentence.
fn who(own: u32) -> String {
    if own == 0 { "root".into() } else { format!("uid {own}") }
}

fn file_is_safe(file: &Facts, own: u32) -> Result<(), String> {
    let who = who(own);
    if file.is_others(own) {
        return Err(format!(
            "is refused: it belongs to uid {}, and the agent runs as {who}; change its owner to root",
            file.uid
        ));
    }
    if file.mode & 0o022 != 0 {
        let mode = file.mode;
        return Err(format!(
            "is refused: mode {mode:04o} lets others write to it, and the agent runs as {who}; run chmod \
             go-w on it"
        ));
    }
    Ok(())
}

/// In a sticky directory (`/tmp`) nobody can replace another's file.
fn directory_is_safe(directory: &Facts, own: u32) -> Result<(), String> {
    let others_write = directory.mode & 0o022 != 0 && directory.mode & STICKY == 0;
    if others_write || directory.is_others(own) {
        let (Facts { uid, mode }, who) = (directory, who(own));
        return Err(format!(
            "is refused: its directory (uid {uid}, mode {mode:04o}) lets others replace it, and the agent runs as {who}"
        ));
    }
    Ok(())
}

/// Whoever owns a link can change where it leads.
fn link_is_safe(link: &Facts, own: u32) -> Result<(), String> {
    if !link.is_others(own) {
        return Ok(());
    }
    let (uid, who) = (link.uid, who(own));
    Err(format!("is refused: a link on its path belongs to uid {uid}, and the agent runs as {who}"))
}

fn secret_is_safe(file: &Facts, closed_to: u32) -> Result<(), String> {
    if file.mode & closed_to != 0 {
        let mode = file.mode;
        return Err(format!(
            "contains a secret, but mode {mode:04o} lets others than its owner access it; run \
             chmod 0600 on it"
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod walk_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(uid: u32, mode: u32) -> Facts {
        Facts { uid, mode }
    }

    #[test]
    fn only_roots_own_unshared_file_is_obeyed() {
        assert!(file_is_safe(&facts(0, 0o644), 0).is_ok());
        assert!(file_is_safe(&facts(1000, 0o600), 0).is_err(), "its owner can rewrite it");
        assert!(file_is_safe(&facts(0, 0o664), 0).is_err());
        assert!(file_is_safe(&facts(0, 0o646), 0).is_err());
    }

    #[test]
    fn who_runs_the_agent_himself_may_run_his_own_programs_and_roots_and_no_others() {
        for (uid, ok) in [(0, true), (1000, true), (1001, false)] {
            assert_eq!(file_is_safe(&facts(uid, 0o755), 1000).is_ok(), ok, "{uid}");
            assert_eq!(directory_is_safe(&facts(uid, 0o755), 1000).is_ok(), ok, "{uid}");
            assert_eq!(link_is_safe(&facts(uid, 0o777), 1000).is_ok(), ok, "{uid}");
        }
        assert!(file_is_safe(&facts(1000, 0o775), 1000).is_err(), "his group could write it");
    }

    #[test]
    fn a_directory_where_others_can_swap_the_file_is_refused_but_tmp_is_not() {
        assert!(directory_is_safe(&facts(0, 0o755), 0).is_ok());
        assert!(directory_is_safe(&facts(0, 0o1777), 0).is_ok());
        assert!(directory_is_safe(&facts(0, 0o777), 0).is_err());
        assert!(directory_is_safe(&facts(1000, 0o755), 0).is_err());
    }

    #[test]
    fn a_secret_in_a_file_that_others_than_its_owner_read_is_refused() {
        assert!(secret_is_safe(&facts(0, 0o600), 0o077).is_ok());
        assert!(secret_is_safe(&facts(0, 0o400), 0o077).is_ok());
        for mode in [0o640, 0o604, 0o620, 0o644] {
            assert!(secret_is_safe(&facts(0, mode), 0o077).is_err(), "{mode:o}");
        }
        assert!(secret_is_safe(&facts(0, 0o440), 0o007).is_ok(), "a credential of a unit with User=");
        assert!(secret_is_safe(&facts(0, 0o444), 0o007).is_err());
    }
}
