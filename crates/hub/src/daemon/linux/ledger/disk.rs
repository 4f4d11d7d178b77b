//! The file itself: exclusive, for its owner's eyes only, and replaced as a whole when it is compacted.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What a ledger is written to.
pub(super) trait Disk: Send + 'static {
    /// Writes all of it at that place.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Waits until what was written outlasts a loss of power.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts it to a length.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Has other content from now on, or its old one.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A file, and the lock that keeps other hubs away from it.
#[derive(Debug)]
pub(super) struct LockedFile {
    path: PathBuf,
    file: File,
    /// Held by a file of its own, which no compaction replaces.
    _lock: File,
}

impl LockedFile {
    /// Opens or creates it, and reads it.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<u8>), String> {
        let told =
            |what: &str, error: &dyn std::fmt::Display| format!("cannot {what} {}: {error}", path.display());
        let lock = private(&path.with_extension("lock")).map_err(|error| told("lock", &error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => format!("another infinihub uses {}", path.display()),
            other => told("lock", &other),
        })?;
        let mut file = private(path).map_err(|error| told("open", &error))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| told("read", &error))?;
        sync_directory(path).map_err(|error| told("create", &error))?;
        Ok((Self { path: path.to_owned(), file, _lock: lock }, bytes))
    }
}

impl Disk for LockedFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let written = private(&new).and_then(|mut file| {
            file.set_len(0)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            Ok(file)
        });
        match written {
            Ok(file) => self.file = file,
            Err(error) => {
                let _there_or_not = fs::remove_file(&new);
                return Err(error);
            }
        }
        sync_directory(&self.path)
    }
}

/// A file that only its owner may read: answers of guests are in it.
fn private(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_second_hub_is_kept_away_even_after_the_file_was_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.ledger");
        let (mut first, bytes) = LockedFile::open(&path).unwrap();
        assert!(bytes.is_empty());
        first.replace(b"new").unwrap();
        assert!(LockedFile::open(&path).unwrap_err().contains("another infinihub"));
        drop(first);
        assert_eq!(LockedFile::open(&path).unwrap().1, b"new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.ledger");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
        assert!(LockedFile::open(&path).unwrap_err().contains("cannot open"));
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.ledger");
        let (mut disk, _) = LockedFile::open(&path).unwrap();
        disk.write_at(b"old", 0).unwrap();
        fs::create_dir(path.with_extension("new")).unwrap();
        disk.replace(b"new").unwrap_err();
        disk.write_at(b"er", 3).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"older");
    }
}
