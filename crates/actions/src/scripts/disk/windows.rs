//! SYSTEM's own directory on Windows.

use crate::shell::private_directory;
use infiniservice_platform::win32::directories_unsafe::program_data;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn usual() -> PathBuf {
    program_data().unwrap_or_else(|| r"C:\ProgramData".into()).join("InfiniService").join("scripts")
}

/// SYSTEM, Administrators and the account that runs this may open it and what is in it.
pub(super) fn make(path: &Path) -> io::Result<()> {
    private_directory(path)
}

/// A file with the access list of its directory; where it must be `new` there is none of this name.
pub(super) fn create(path: &Path, new: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(!new).create_new(new).truncate(false).open(path)
}

pub(super) fn read(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Windows wants the right to write for that.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// NTFS keeps a journal of names, and offers nothing like fsync(2) of a directory.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of every platform")]
pub(super) fn sync_names(_: &Path) -> io::Result<()> {
    Ok(())
}
