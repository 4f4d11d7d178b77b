//! Files that a service obeys, runs, or keeps a secret in: opened once, and judged by their handle. Only who runs with an
//! administrator's rights is protected so: whoever starts the agent as himself may trust his own files.

use crate::win32::access;
use crate::win32::descriptor::Descriptor;
use crate::win32::security_unsafe::{self as security, Account, own_account};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

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

    /// The same of what is run, or read by what is run, for which all directories above it count, too: nobody else may rename one of
    /// them.
    pub fn open_code(path: &Path) -> Result<Option<Self>, String> {
        let account = own_account().map_err(unreadable)?;
        if account.elevated && path.exists() {
            let real = path.canonicalize().map_err(unreadable)?;
            for above in path.ancestors().skip(1).chain(real.ancestors().skip(1)) {
                let found = security::descriptor_of(&held(above)?).map_err(unreadable)?;
                access::way_is_safe(&found, &account.sid)?;
            }
            return Self::open(&real);
        }
        Self::open(path)
    }

    /// Whether anybody may run it: here that is not a matter of the file.
    #[allow(clippy::unused_self, reason = "the signature is that of every platform")]
    pub fn is_executable(&self) -> bool {
        true
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
    let held = held(path.parent().ok_or("is not a regular file")?)?;
    let found = security::descriptor_of(&held).map_err(unreadable)?;
    access::directory_is_safe(&found, &account.sid)?;
    Ok(held)
}

fn held(directory: &Path) -> Result<File, String> {
    OpenOptions::new()
        .access_mode(READ_CONTROL)
        .share_mode(STAYS)
        .custom_flags(DIRECTORIES_TOO)
        .open(directory)
        .map_err(unreadable)
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
