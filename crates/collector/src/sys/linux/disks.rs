//! Space on file systems: local ones asked in turn, those that are known to hang each in a thread of its own. And which block
//! devices lie on others, from `/sys/block` (Documentation/ABI/stable/sysfs-block).

use super::files::Tree;
use crate::disk::probe::Probes;
use crate::disk::traffic::{Device, Topology, Whole};
use crate::disk::{Space, Usages};
use crate::error::CollectError;
use infiniservice_platform::linux::mounts::{self, Mount};
use rustix::fs::{AtFlags, CWD, StatxFlags, statvfs, statx};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
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

/// `/sys/block`, read again when other devices come to stand in `/proc/diskstats`.
#[derive(Debug)]
pub struct Blocks {
    directory: PathBuf,
    known_of: Vec<Vec<u8>>,
    known: Topology,
}

impl Blocks {
    /// Below this `/sys`.
    pub fn new(sys: &Path) -> Self {
        Self { directory: sys.join("block"), known_of: Vec::new(), known: None }
    }

    /// What is known of these devices.
    pub fn of(&mut self, devices: &[Device]) -> &Topology {
        let same = devices.len() == self.known_of.len()
            && devices.iter().zip(&self.known_of).all(|(device, name)| device.name() == name.as_slice());
        if !same {
            self.known = read_topology(&self.directory);
            self.known_of = devices.iter().map(|device| device.name().to_vec()).collect();
        }
        &self.known
    }
}

/// `None` where there is no sysfs, or none that names a device.
fn read_topology(directory: &Path) -> Topology {
    let entries = fs::read_dir(directory).ok()?.flatten();
    // sysfs writes `!` for the `/` of a name such as cciss/c0d0 (`dev_set_name` in drivers/base/core.c).
    let name = |entry: &fs::DirEntry| entry.file_name().into_vec().into_iter().map(slash).collect();
    let blocks: BTreeMap<Vec<u8>, Whole> =
        entries.map(|entry| (name(&entry), whole(&entry.path()))).collect();
    (!blocks.is_empty()).then_some(blocks)
}

fn slash(byte: u8) -> u8 {
    if byte == b'!' { b'/' } else { byte }
}

fn whole(device: &Path) -> Whole {
    let has_slaves = fs::read_dir(device.join("slaves")).is_ok_and(|mut slaves| slaves.next().is_some());
    let is_hidden = fs::read(device.join("hidden")).is_ok_and(|text| text.trim_ascii() == b"1");
    Whole { has_slaves, is_hidden }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::traffic;

    #[test]
    fn devices_on_others_and_hidden_ones_are_known() {
        let sys = tempfile::tempdir().unwrap();
        let block = |name: &str, slaves: &[&str], hidden: &str| {
            let device = sys.path().join("block").join(name);
            fs::create_dir_all(device.join("slaves")).unwrap();
            for slave in slaves {
                fs::write(device.join("slaves").join(slave), "").unwrap();
            }
            fs::write(device.join("hidden"), hidden).unwrap();
        };
        block("sda", &[], "0\n");
        block("md_home", &["sda"], "0\n");
        block("nvme0c0n1", &[], "1\n");
        block("cciss!c0d0", &[], "0\n");
        let devices = traffic::parse(b"8 0 sda 1 0 2 0 3 0 4 0 0 5\n").devices;
        let mut blocks = Blocks::new(sys.path());
        let known = blocks.of(&devices).clone().unwrap();
        assert!(known[&b"md_home"[..]].has_slaves && known[&b"nvme0c0n1"[..]].is_hidden);
        assert_eq!(known[&b"sda"[..]], Whole::default());
        assert!(known.contains_key(&b"cciss/c0d0"[..]));
    }

    #[test]
    fn without_sysfs_nothing_is_known() {
        assert_eq!(Blocks::new(Path::new("/nonexistent")).of(&[]), &None);
    }
}
