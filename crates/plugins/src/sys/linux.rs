//! Linux: users of passwd(5), and files that are judged by their descriptors.

use super::{Opened, User};
use infiniservice_exec::Identity;
use infiniservice_platform::linux::accounts::{self, Account};
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A user with his groups, by this machine's files.
pub(crate) fn user(name: &str) -> Result<User, String> {
    let read = |path: &str| match accounts::read(Path::new(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{path} cannot be read: {error}")),
        read => Ok(read.unwrap_or_default()),
    };
    let account = Account::find(&read("/etc/passwd")?, name);
    let account = account.ok_or_else(|| format!("user: there is no user {name:?} in /etc/passwd"))?;
    let groups = account.groups(&read("/etc/group")?);
    let identity = Identity { uid: account.uid, gid: account.gid, groups };
    let variables = [("HOME", account.home), ("USER", account.name.clone()), ("LOGNAME", account.name)];
    let environment = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    Ok(User { identity: Some(identity), environment })
}

/// Where programs start.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of every platform")]
pub(crate) fn start_directory() -> Option<PathBuf> {
    Some("/".into())
}

/// Whether a file could be run, so that a program that gets its path may run it.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A directory whose files are read.
#[derive(Debug)]
pub(crate) struct Directory {
    at: OwnedFd,
    owner: u32,
}

impl Directory {
    /// Opens it; `None` where there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let at = match openat(CWD, path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened?,
        };
        let owner = fstat(&at)?.st_uid;
        Ok(Some(Self { at, owner }))
    }

    /// The names in it, at most `max`.
    pub(crate) fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        let entries = Dir::read_from(&self.at)?.take(max);
        let name = |entry: Result<rustix::fs::DirEntry, Errno>| {
            Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec()))
        };
        entries.map(name).collect()
    }

    /// Opens a file that root or the directory's owner made there: no link, and no second name of a file that lies elsewhere.
    pub(crate) fn file(&self, name: &str, max_bytes: u64) -> Result<Opened, String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = match openat(&self.at, name, flags, Mode::empty()) {
            Err(Errno::LOOP) => return Err("is refused: it is a symbolic link".into()),
            opened => opened.map_err(|error| format!("cannot be read: {error}"))?,
        };
        let found = fstat(&opened).map_err(|error| format!("cannot be read: {error}"))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err("is refused: it is not a regular file".into());
        }
        if found.st_uid != 0 && found.st_uid != self.owner {
            let (uid, owner) = (found.st_uid, self.owner);
            return Err(format!(
                "is refused: it belongs to uid {uid}, not to root or to its directory's owner (uid {owner})"
            ));
        }
        if found.st_nlink > 1 {
            return Err("is refused: it has several names (hard links)".into());
        }
        if u64::try_from(found.st_size).is_ok_and(|size| size > max_bytes) {
            return Err(format!("is longer than {max_bytes} bytes"));
        }
        let file = File::from(opened);
        let modified = file.metadata().and_then(|found| found.modified());
        Ok(Opened { file, modified: modified.map_err(|error| format!("cannot be read: {error}"))? })
    }
}
