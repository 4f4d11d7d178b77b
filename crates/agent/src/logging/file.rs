//! A log file that never grows beyond its bound: when it is full it becomes `<name>.old`, and a new one begins.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Of each of the two files.
pub const MAX_BYTES: u64 = 4 << 20;

/// The file that is written to.
#[derive(Debug)]
pub struct BoundedFile {
    path: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl BoundedFile {
    /// Opens it, to append; its directory is made where it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let written = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, written, max_bytes })
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension("old"))?;
        *self = Self::open(&self.path, self.max_bytes)?;
        Ok(())
    }
}

impl Write for BoundedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written > 0 && self.written + bytes.len() as u64 > self.max_bytes {
            self.begin_anew()?;
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_stay_within_the_bound_and_hold_the_newest_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("logs/agent.log");
        let mut file = BoundedFile::open(&path, 100).expect("opened");
        for n in 0..50 {
            file.write_all(format!("line {n:04}\n").as_bytes()).expect("written");
        }
        let (new, old) = (
            fs::read_to_string(&path).expect("new"),
            fs::read_to_string(path.with_extension("old")).expect("old"),
        );
        assert!(new.len() <= 100 && old.len() <= 100, "{} and {}", new.len(), old.len());
        assert!((old + &new).ends_with("line 0048\nline 0049\n"));
    }

    #[test]
    fn a_later_run_appends() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("agent.log");
        for text in ["one\n", "two\n"] {
            BoundedFile::open(&path, 100).expect("opened").write_all(text.as_bytes()).expect("written");
        }
        assert_eq!(fs::read_to_string(&path).expect("read"), "one\ntwo\n");
    }
}
