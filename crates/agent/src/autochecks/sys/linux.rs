//! statvfs(3) on Linux.

use crate::collector::disk::mounts::Mount;
use crate::collector::disk::usage::Space;
use rustix::fs::{major, minor, stat, statvfs};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// How full it is; `None` where its path leads to another file system that was mounted above it.
pub fn space(mount: &Mount) -> io::Result<Option<Space>> {
    let path = OsStr::from_bytes(&mount.place);
    if mount.has_own_device_id() {
        let device = stat(path)?.st_dev;
        if (major(device), minor(device)) != mount.device_id {
            return Ok(None);
        }
    }
    let told = statvfs(path)?;
    Ok(Some(Space {
        block_bytes: told.f_frsize,
        blocks: told.f_blocks,
        free: told.f_bfree,
        available: told.f_bavail,
        inodes: told.f_files,
        free_inodes: told.f_ffree,
    }))
}
