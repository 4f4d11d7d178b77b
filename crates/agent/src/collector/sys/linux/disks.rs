//! Space on file systems: local ones asked at once, those that may hang by workers.

use super::files::Tree;
use crate::collector::disk::mounts::{self, Mount};
use crate::collector::disk::probe::Probes;
use crate::collector::disk::usage::{Space, Usages};
use crate::collector::error::CollectError;
use rustix::fs::{major, minor, stat, statvfs};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The workers for [`usages`].
pub fn probes() -> Probes {
    Probes::new(|mount_point| space(mount_point).map_err(io::Error::from))
}

/// Every file system, once.
pub fn usages(
    proc: &mut Tree,
    probes: &mut Probes,
    max: usize,
    deadline: Duration,
) -> Result<Usages, CollectError> {
    let mut mounts = mounts::file_systems(mounts::parse(proc.read("self/mountinfo")?));
    let total = mounts.len();
    mounts.truncate(max);
    let mut usages = Usages { total, ..Usages::default() };
    let (remote, local): (Vec<_>, Vec<_>) = mounts.iter().partition(|mount| mount.may_hang());
    for mount in local.into_iter().filter(|mount| is_visible(mount)) {
        let asked = space(&mount.place).map_err(|e| CollectError::io(mount.mount_point_text(), e));
        usages.take(mount, asked);
    }
    for (mount, asked) in remote.iter().zip(probes.ask_all(&remote, deadline)) {
        usages.take(mount, asked);
    }
    usages.list.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    Ok(usages)
}

/// How full one is; `None` where its path leads to another file system, mounted above it. Of a dead server it waits for good.
pub fn space_of(mount: &Mount) -> io::Result<Option<Space>> {
    if is_visible(mount) { Ok(Some(space(&mount.place)?)) } else { Ok(None) }
}

/// Whether the path leads to this file system, not to another one mounted above it.
fn is_visible(mount: &Mount) -> bool {
    let device = |at: &Mount| stat(path(&at.place)).map(|s| (major(s.st_dev), minor(s.st_dev)));
    !mount.has_own_device_id() || device(mount).map_or(true, |id| id == mount.device_id)
}

fn space(mount_point: &[u8]) -> Result<Space, Errno> {
    let told = statvfs(path(mount_point))?;
    Ok(Space {
        block_bytes: told.f_frsize,
        blocks: told.f_blocks,
        free: told.f_bfree,
        available: told.f_bavail,
        inodes: told.f_files,
        free_inodes: told.f_ffree,
    })
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
