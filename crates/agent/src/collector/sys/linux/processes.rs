//! The walk over `/proc`: one small file of each process; more only of those that are listed.

use super::files::{open, open_dir, read_once};
use super::sockets;
use crate::collector::error::CollectError;
use crate::collector::process::files::{Details, command_line, executable, storage_bytes, user_id};
use crate::collector::process::stat::{self, Record};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, RawDir, SeekFrom, readlinkat_raw, seek};
use rustix::io::Errno;
use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};

/// Entries of a directory are read in portions of this size.
const DIRECTORY_BYTES: usize = 16 << 10;
/// `stat` has about 350 bytes, `status` about 1500.
const FILE_BYTES: usize = 4096;

/// `/proc`, kept open: each file is opened relative to it, by a path of a few bytes.
#[derive(Debug)]
pub struct ProcessFiles {
    root: PathBuf,
    dir: Option<OwnedFd>,
    entries: Vec<MaybeUninit<u8>>,
    buffer: Vec<u8>,
    path: String,
}

impl ProcessFiles {
    /// Below `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            dir: None,
            entries: Vec::new(),
            buffer: vec![0; FILE_BYTES],
            path: String::with_capacity(32),
        }
    }

    /// Appends every process to `records`. One that ends meanwhile, or whose file is not understood, is passed over.
    pub fn scan(&mut self, records: &mut Vec<Record>) -> Result<(), CollectError> {
        self.try_scan(records).map_err(|e| {
            self.dir = None;
            CollectError::io(self.root.to_string_lossy(), e)
        })
    }

    fn try_scan(&mut self, records: &mut Vec<Record>) -> Result<(), Errno> {
        let dir = match &mut self.dir {
            Some(dir) => dir,
            none => none.insert(open_dir(CWD, &self.root)?),
        };
        seek(&*dir, SeekFrom::Start(0))?;
        self.entries.resize(DIRECTORY_BYTES, MaybeUninit::uninit());
        let mut entries = RawDir::new(&*dir, &mut self.entries);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !name.first().is_some_and(u8::is_ascii_digit) {
                continue;
            }
            let Ok(name) = std::str::from_utf8(name) else { continue };
            self.path.clear();
            self.path.push_str(name);
            self.path.push_str("/stat");
            records.extend(read_stat(dir, &self.path, &mut self.buffer));
        }
        Ok(())
    }

    /// What is told of a listed process and changes seldom. What may not be read, or is gone, is left out.
    pub fn details(&mut self, record: &Record, max_bytes: usize) -> Details {
        let status = self.file(record.pid, "status");
        let user_id = status.and_then(user_id);
        if record.is_kernel {
            return Details { user_id, ..Details::default() };
        }
        Details {
            user_id,
            exe_path: self.executable(record.pid, max_bytes),
            cmd_line: self.arguments(record.pid, max_bytes),
        }
    }

    /// Bytes read from and written to storage.
    pub fn storage_bytes(&mut self, pid: u32) -> Option<(u64, u64)> {
        self.file(pid, "io").and_then(storage_bytes)
    }

    /// The arguments alone.
    pub fn arguments(&mut self, pid: u32, max_bytes: usize) -> Option<String> {
        self.file(pid, "cmdline").and_then(|text| command_line(text, max_bytes))
    }

    /// Gives the inode of each socket that a process holds to `found`.
    pub fn sockets_of(&mut self, pid: u32, found: &mut dyn FnMut(u32)) {
        if let Some(dir) = &self.dir {
            // A process that is gone or may not be looked into holds none that are known.
            let _ = sockets::sockets_of(dir, pid, &mut self.entries, found);
        }
    }

    fn executable(&mut self, pid: u32, max_bytes: usize) -> Option<String> {
        let dir = self.dir.as_ref()?;
        set_path(&mut self.path, pid, "exe");
        let len = readlinkat_raw(dir, self.path.as_str(), &mut self.buffer[..]).ok()?;
        executable(self.buffer.get(..len)?, max_bytes)
    }

    fn file(&mut self, pid: u32, name: &str) -> Option<&[u8]> {
        let dir = self.dir.as_ref()?;
        set_path(&mut self.path, pid, name);
        let file = open(dir, self.path.as_str()).ok()?;
        read_once(file, &mut self.buffer).ok()
    }
}

fn set_path(path: &mut String, pid: u32, name: &str) {
    path.clear();
    // Writing to a String cannot fail.
    let _ = write!(path, "{pid}/{name}");
}

fn read_stat(dir: &OwnedFd, path: &str, buffer: &mut [u8]) -> Option<Record> {
    let file = open(dir, path).ok()?;
    stat::parse(read_once(file, buffer).ok()?).ok()
}
