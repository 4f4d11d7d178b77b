//! A file system of FUSE (`fuse(4)`, include/uapi/linux/fuse.h) with one file, whose server never answers when it is closed.
//! It needs root, and a mount namespace of its own, as whoever looks at it from outside may hang.

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, mount};
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

/// Requests that are answered; `FLUSH` is not among them.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const BATCH_FORGET: u32 = 42;

const HEADER_BYTES: usize = 40;
const REQUEST_BYTES: usize = 1 << 20;
const ENOSYS: i32 = 38;
const ROOT: u64 = 1;
const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_644;

/// The server's end. When it is dropped the kernel ends all that waits for it.
pub struct Server(File);

impl Server {
    /// Mounts the file system at `place`.
    pub fn mount(place: &Path) -> Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse").context("/dev/fuse")?;
        let data = format!("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", device.as_raw_fd());
        mount("dead", place, "fuse.dead", MountFlags::empty(), &*CString::new(data)?)?;
        Ok(Self(device))
    }

    /// Serves until a file was closed, and then for ever. `flushed` is called at each unanswered close.
    pub fn serve(&mut self, mut flushed: impl FnMut()) -> Result<()> {
        let mut request = vec![0; REQUEST_BYTES];
        loop {
            let length = self.0.read(&mut request)?;
            let Some(header) = request.get(..HEADER_BYTES).filter(|_| length >= HEADER_BYTES) else {
                bail!("a request of {length} bytes");
            };
            let (operation, unique, node) = (word(header, 4), long(header, 8), long(header, 16));
            match operation {
                INIT => self.reply(unique, 0, &init())?,
                LOOKUP => self.reply(unique, 0, &entry())?,
                GETATTR => self.reply(unique, 0, &[longs(&[1000, 0]), attributes(node)].concat())?,
                OPEN => self.reply(unique, 0, &longs(&[1, 0]))?,
                FLUSH => flushed(),
                FORGET | BATCH_FORGET => {}
                _ => self.reply(unique, -ENOSYS, &[])?,
            }
        }
    }

    fn reply(&mut self, unique: u64, error: i32, body: &[u8]) -> Result<()> {
        let mut answer = u32::try_from(16 + body.len())?.to_ne_bytes().to_vec();
        answer.extend(error.to_ne_bytes());
        answer.extend(unique.to_ne_bytes());
        answer.extend(body);
        self.0.write_all(&answer)?;
        Ok(())
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_ne_bytes(four.unwrap_or_default())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    u64::from_ne_bytes(eight.unwrap_or_default())
}

fn longs(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

/// `struct fuse_init_out` of protocol 7.31: 64 bytes.
fn init() -> Vec<u8> {
    let mut out = words(&[7, 31, 65_536, 0, 0x000c_000c, 65_536, 1]);
    out.resize(64, 0);
    out
}

/// `struct fuse_entry_out` of the one file.
fn entry() -> Vec<u8> {
    let validity = longs(&[2, 0, 1000, 1000]);
    [validity, words(&[0, 0]), attributes(2)].concat()
}

/// `struct fuse_attr`: 88 bytes.
fn attributes(node: u64) -> Vec<u8> {
    let mode = if node == ROOT { DIRECTORY } else { FILE };
    let sizes = longs(&[node, 4096, 8, 0, 0, 0]);
    [sizes, words(&[0, 0, 0, mode, 1, 0, 0, 0, 4096, 0])].concat()
}
