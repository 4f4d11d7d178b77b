//! The agent's own files: where they are (below `C:\ProgramData`), new ones that only their owner may open, and those that a
//! service obeys or that hold its secret: opened once, and judged by their handle. Only who runs with an administrator's rights
//! is protected so: whoever starts the agent as himself may trust his own files.

use infiniservice_platform::win32::access;
use infiniservice_platform::win32::descriptor::Descriptor;
use infiniservice_platform::win32::directories_unsafe::program_data;
use infiniservice_platform::win32::security_unsafe::{self, self as security, Account, own_account};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where it is on every system that was not moved by hand.
const PROGRAM_DATA: &str = r"C:\ProgramData";

fn directory() -> PathBuf {
    program_data().unwrap_or_else(|| PROGRAM_DATA.into()).join("InfiniService")
}

/// The file that is read when none is named; it may be missing.
pub fn default_file() -> PathBuf {
    directory().join("config.toml")
}

/// Where a service logs, as it has no standard error.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of every platform")]
pub fn service_log() -> Option<PathBuf> {
    Some(directory().join("infiniservice.log"))
}

/// Creates a file that only its owner may open; there must be none of this name. SYSTEM, Administrators and the account that runs this may open it.
pub fn create_private(path: &Path) -> io::Result<File> {
    let own = own_account()?.sid;
    security_unsafe::create_file(path, &format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{own})"))
}

/// `READ_CONTROL`: enough to ask who may do what.
const READ_CONTROL: u32 = 0x0002_0000;
/// `FILE_FLAG_BACKUP_SEMANTICS`: a directory can be opened.
const DIRECTORIES_TOO: u32 = 0x0200_0000;
/// `FILE_SHARE_READ` and `FILE_SHARE_WRITE`, without `FILE_SHARE_DELETE`: while it is open nobody renames it.
const STAYS: u32 = 0x3;

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct TrustedFile {
    file: File,
    found: Descriptor,
    account: Account,
}

impl TrustedFile {
    /// Opens it; `None` where there is none. Refuses one that others could change or replace while the agent runs as an administrator.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        let account = own_account().map_err(unreadable)?;
        match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
            Ok(found) if !found.is_file() => return Err("is not a regular file".into()),
            Ok(_) => {}
        }
        let _held = account.elevated.then(|| safe_directory_of(path, &account)).transpose()?;
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err("is not a regular file".into());
        }
        let found = security::descriptor_of(&file).map_err(unreadable)?;
        if account.elevated {
            access::file_is_safe(&found, &account.sid)?;
        }
        Ok(Some(Self { file, found, account }))
    }

    /// Refuses a file with a secret in it that others may open.
    pub fn check_not_readable_by_others(&self) -> Result<(), String> {
        access::secret_is_safe(&self.found, &self.account.sid)
    }

    /// The same: Windows has no credentials that a group may read.
    pub fn check_not_open_to_all(&self) -> Result<(), String> {
        self.check_not_readable_by_others()
    }

    /// To read from.
    pub fn reader(&self) -> &File {
        &self.file
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// The file's directory, held so that it stays where it is.
fn safe_directory_of(path: &Path, account: &Account) -> Result<File, String> {
    let path = std::path::absolute(path).map_err(unreadable)?;
    let directory = path.parent().ok_or("is not a regular file")?;
    let held = OpenOptions::new()
        .access_mode(READ_CONTROL)
        .share_mode(STAYS)
        .custom_flags(DIRECTORIES_TOO)
        .open(directory)
        .map_err(unreadable)?;
    let found = security::descriptor_of(&held).map_err(unreadable)?;
    access::directory_is_safe(&found, &account.sid)?;
    Ok(held)
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
