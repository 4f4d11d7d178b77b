//! Reading small files of `/proc` and `/sys` into one buffer that is used again.

use crate::error::CollectError;
use infiniservice_platform::linux::text::ParseError;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};
use std::path::{Path, PathBuf};

/// No file read here is larger on a sane machine; `/proc/stat` of a thousand processors has about 200 kB.
const MAX_FILE_BYTES: usize = 4 << 20;
/// A buffer that grew beyond this is given back.
const KEEP_BYTES: usize = 128 << 10;
const FIRST_BYTES: usize = 4096;

/// Opens for reading.
pub fn open(dir: impl AsFd, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
}

/// Opens a directory.
pub fn open_dir(dir: impl AsFd, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY, Mode::empty())
}

/// One read into `buffer`, for files that the kernel writes whole at once.
pub fn read_once(fd: impl AsFd, buffer: &mut [u8]) -> Result<&[u8], Errno> {
    let len = rustix::io::retry_on_intr(|| read(&fd, &mut *buffer))?;
    Ok(buffer.get(..len).unwrap_or_default())
}

/// A tree such as `/proc`, with a buffer.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    buffer: Vec<u8>,
}

impl Tree {
    /// The tree below `root`, which need not exist.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), buffer: Vec::new() }
    }

    /// The path of a file in it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// The whole of `file`, up to 4 MiB.
    pub fn read(&mut self, file: &str) -> Result<&[u8], CollectError> {
        let path = self.path(file);
        self.fill(&path).map_err(|e| CollectError::io(path.to_string_lossy(), e))?;
        Ok(&self.buffer)
    }

    /// Reads `file` and parses it.
    pub fn parse<T>(
        &mut self,
        file: &str,
        parser: impl FnOnce(&[u8]) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        let parsed = parser(self.read(file)?);
        parsed.map_err(|what| CollectError::parse(self.path(file).to_string_lossy(), what))
    }

    fn fill(&mut self, path: &Path) -> Result<(), Errno> {
        let fd = open(CWD, path)?;
        self.buffer.clear();
        self.buffer.shrink_to(KEEP_BYTES);
        loop {
            if self.buffer.len() >= MAX_FILE_BYTES {
                return Err(Errno::FBIG);
            }
            if self.buffer.spare_capacity_mut().len() < FIRST_BYTES {
                self.buffer.reserve(self.buffer.len().max(FIRST_BYTES));
            }
            let spare = rustix::buffer::spare_capacity(&mut self.buffer);
            if read(&fd, spare)? == 0 {
                return Ok(());
            }
        }
    }
}
