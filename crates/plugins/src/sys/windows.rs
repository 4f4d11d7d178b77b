//! Windows: no other users, and files that are judged by their owners.

use super::{Opened, User};
use infiniservice_platform::win32::access;
use infiniservice_platform::win32::descriptor::Descriptor;
use infiniservice_platform::win32::security_unsafe::{descriptor_of, open_itself, own_account};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// `GENERIC_READ`, which includes `READ_CONTROL`.
const READ: u32 = 0x8000_0000;
/// `READ_CONTROL`.
const READ_CONTROL: u32 = 0x0002_0000;
/// What Windows, or a program that it starts for them, runs.
const PROGRAMS: [&str; 10] = ["exe", "com", "bat", "cmd", "ps1", "vbs", "js", "py", "pl", "jar"];

/// Windows wants a password for that.
pub(crate) fn user(_name: &str) -> Result<User, String> {
    Err("user is not supported on Windows: a plugin runs as the agent does".into())
}

/// Where programs start: the system directory.
pub(crate) fn start_directory() -> Option<PathBuf> {
    None
}

/// Whether a file could be run, so that a program that gets its path may run it.
pub(crate) fn is_program(path: &Path) -> bool {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    let is_known = extension.is_some_and(|extension| PROGRAMS.iter().any(|known| extension == *known));
    is_known && path.is_file()
}

/// A directory whose files are read.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    found: Descriptor,
}

impl Directory {
    /// Opens it; `None` where there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        match path.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(found) if !found.is_dir() => return Err(io::Error::other("it is not a directory")),
            Ok(_) => {}
        }
        let found = descriptor_of(&open_itself(path, READ_CONTROL)?)?;
        Ok(Some(Self { path: path.to_owned(), found }))
    }

    /// The names in it, at most `max`.
    pub(crate) fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        self.path.read_dir()?.take(max).map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Opens a file that an administrator, the system or the directory's owner made there: no link.
    pub(crate) fn file(&self, name: &str, max_bytes: u64) -> Result<Opened, String> {
        let unreadable = |error: io::Error| format!("cannot be read: {error}");
        let file = open_itself(&self.path.join(name), READ).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err("is refused: it is not a regular file".into());
        }
        let found = descriptor_of(&file).map_err(unreadable)?;
        let own = own_account().map_err(unreadable)?.sid;
        if !access::is_ours(&found, &own) && found.owner != self.found.owner {
            return Err(format!(
                "is refused: it belongs to {}, not to Administrators or to its directory's owner",
                found.owner
            ));
        }
        if about.len() > max_bytes {
            return Err(format!("is longer than {max_bytes} bytes"));
        }
        let modified = about.modified().map_err(unreadable)?;
        Ok(Opened { file, modified })
    }
}
