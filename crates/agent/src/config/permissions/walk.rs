//! Opens a file by a walk over its path as it is named, one component after the other: each directory and each link on the way
//! is looked at by its descriptor, so that what was checked is what is read, whoever exchanges names meanwhile.

use super::rules::{Facts, directory_is_safe, file_is_safe, link_is_safe};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path};

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
pub(super) enum NotOpened {
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

/// Opens a regular file. Where `strict`, nobody but root may be able to put another file in its place.
pub(super) fn open(path: &Path, strict: bool) -> Result<(File, Facts), NotOpened> {
    let path = std::path::absolute(path).map_err(|e| NotOpened::Refused(format!("cannot be read: {e}")))?;
    let mut walk = Walk { at: root()?, ahead: reversed(&path), links: 0, strict };
    walk.check_directory()?;
    while let Some(name) = walk.ahead.pop() {
        if let Some(file) = walk.step(&name)? {
            return opened(file, strict);
        }
    }
    Err(NotOpened::Refused("is not a regular file".into()))
}

struct Walk {
    at: OwnedFd,
    /// What is left of the path, the next component last.
    ahead: Vec<OsString>,
    links: usize,
    strict: bool,
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
        if self.strict {
            link_is_safe(&facts(link)).map_err(NotOpened::Refused)?;
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
        if self.strict { directory_is_safe(&facts(&found)).map_err(NotOpened::Refused) } else { Ok(()) }
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
fn opened(file: OwnedFd, strict: bool) -> Result<(File, Facts), NotOpened> {
    let found = fstat(file.as_fd())?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(NotOpened::Refused("is not a regular file".into()));
    }
    let facts = facts(&found);
    if strict {
        file_is_safe(&facts).map_err(NotOpened::Refused)?;
    }
    Ok((File::from(file), facts))
}

fn facts(found: &Stat) -> Facts {
    Facts { uid: found.st_uid, mode: found.st_mode & 0o7777 }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
