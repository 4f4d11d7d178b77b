//! The few steps on a directory that the store is made of. Each is one that a crash can come between, so that a test can stop at
//! every one of them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
use linux as place;
#[cfg(target_os = "windows")]
use windows as place;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

/// One directory, by the names in it.
pub(crate) trait Disk {
    /// What is in it: names and sizes in bytes.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// The first `most` bytes of a file.
    fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>>;
    /// A new file with these parts one after the other. It may be lost, or lack something, until it is synced.
    fn write(&mut self, name: &str, parts: &[&[u8]]) -> io::Result<()>;
    /// What is in the file survives from now on.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Another name for a file, which may be lost until the directory is synced. It replaces what had that name.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// No such file any more; this, too, may be lost until the directory is synced.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// What the files are called survives from now on.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A directory of the agent's own account, which nobody else may look into, and which one agent has at a time.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Keeps others out as long as it is open.
    _lock: File,
}

/// The file that is locked.
const LOCK: &str = "lock";
/// More names than this are not looked at: nobody but the agent puts any there.
const NAMES_MAX: usize = 4096;

impl Directory {
    /// Where it is when no other place is named.
    pub(crate) fn usual() -> PathBuf {
        place::usual()
    }

    /// Makes it, unless it is there.
    ///
    /// # Errors
    /// It cannot be made, others may look into it, or another agent has it.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        place::make(&path)?;
        let lock = place::create(&path.join(LOCK), false)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another agent uses it"),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { path, _lock: lock })
    }
}

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)?.take(NAMES_MAX) {
            let entry = entry?;
            let about = entry.metadata()?;
            let name = entry.file_name().into_string().ok().filter(|name| name != LOCK);
            found.extend(name.filter(|_| about.is_file()).map(|name| (name, about.len())));
        }
        Ok(found)
    }

    fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        place::read(&self.path.join(name))?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = place::create(&self.path.join(name), true)?;
        parts.iter().try_for_each(|part| file.write_all(part))
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        place::sync(&self.path.join(name))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        place::sync_names(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_agent_and_keeps_what_is_written_for_its_owner_alone() {
        let above = tempfile::tempdir().expect("a directory");
        let path = above.path().join("state/scripts");
        let mut directory = Directory::open(path.clone()).expect("made");
        directory.write("1.tmp", &[b"a", b"bc"]).expect("written");
        directory.sync("1.tmp").expect("synced");
        directory.rename("1.tmp", "1.waiting").expect("renamed");
        directory.sync_names().expect("synced");
        assert_eq!(directory.list().expect("listed"), [("1.waiting".to_owned(), 3)]);
        assert_eq!(directory.read("1.waiting", 2).expect("read"), b"ab");
        let again = Directory::open(path.clone()).expect_err("one at a time");
        assert!(again.to_string().contains("another agent"), "{again}");
        drop(directory);
        Directory::open(path).expect("it is free again");
    }
}
