//! Space on file systems: local ones asked in turn, those that are known to hang each in a thread of its own.

use super::files::Tree;
use crate::disk::probe::Probes;
use crate::disk::usage::{Space, Usages};
use crate::error::CollectError;
use infiniservice_platform::linux::mounts::{self, Mount};
use rustix::fs::{AtFlags, CWD, StatxFlags, statvfs, statx};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The threads for [`usages`].
pub fn probes() -> Probes<Option<Space>> {
    Probes::new(|mount| if mount.may_hang() { Ok(Some(space(&mount.place)?)) } else { space_of(mount) })
}

/// Every file system, once.
pub fn usages(
    proc: &mut Tree,
    probes: &mut Probes<Option<Space>>,
    max: usize,
    deadline: Duration,
) -> Result<Usages, CollectError> {
    let (mounts, total) = most_important(proc, max)?;
    let mut usages = Usages { asked: mounts.len(), total, ..Usages::default() };
    let (remote, local): (Vec<_>, Vec<_>) = mounts.iter().partition(|mount| mount.may_hang());
    let asked = probes.ask_in_turn(&local).into_iter().chain(probes.ask_all(&remote, deadline));
    for (mount, asked) in local.iter().chain(&remote).zip(asked) {
        // Where its path leads elsewhere there is nothing to tell.
        if let Some(asked) = asked.transpose() {
            usages.take(mount, asked);
        }
    }
    usages.list.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    Ok(usages)
}

/// The file systems to be asked, at most `max`, and how many there are. A line of the table that is not understood may
/// stand for one.
fn most_important(proc: &Tree, max: usize) -> Result<(Vec<Mount>, usize), CollectError> {
    let path = proc.path("self/mountinfo");
    let failed =
        |error: io::Error| CollectError::Io { path: path.to_string_lossy().into_owned(), source: error };
    let file = File::open(&path).map_err(failed)?;
    let table = mounts::read(BufReader::new(file)).map_err(failed)?;
    let all = mounts::file_systems(table.mounts);
    let total = all.len().saturating_add(table.left_out);
    Ok((mounts::most_important(all, max), total))
}

/// How full one is; `None` where its path leads to another file system, mounted above it. Of a dead server it waits for good.
pub fn space_of(mount: &Mount) -> io::Result<Option<Space>> {
    if is_visible(mount) { Ok(Some(space(&mount.place)?)) } else { Ok(None) }
}

/// Whether the path leads to this file system, not to another one mounted above it.
fn is_visible(mount: &Mount) -> bool {
    // The device alone is asked for: that needs no server's answer.
    let asked = |at: &Mount| statx(CWD, path(&at.place), AtFlags::STATX_DONT_SYNC, StatxFlags::empty());
    let device = |at: &Mount| asked(at).map(|s| (s.stx_dev_major, s.stx_dev_minor));
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
