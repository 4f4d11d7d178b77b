//! Mounted file systems that lie on block devices: what `guest-get-fsinfo` tells, `guest-fstrim` trims, and a freeze freezes.

use super::addresses;
use super::blocks::{Device, Devices};
use crate::work::failed;
use infiniservice_collector::disk::Space;
use infiniservice_platform::blocking::{Item, Lane, Series};
use infiniservice_platform::linux::mounts::{self, Mount};
use infiniservice_qga::reply::FileSystem;
use infiniservice_qga::{Error, Reply};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the figures of one file system may take: then it is told without them.
const TIMEOUT: Duration = Duration::from_millis(200);

/// A file system, by one of its mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The first mount.
    pub mount: Mount,
    /// Numbers of the device that it lies on.
    pub device: (u32, u32),
    /// Its other mounts, in the order of their mounting.
    others: Vec<Mount>,
}

impl Mounted {
    /// One that is mounted once.
    pub fn of(mount: Mount, device: (u32, u32)) -> Self {
        Self { mount, device, others: Vec::new() }
    }

    /// All of its mounts, the first one first.
    pub fn mounts(&self) -> impl Iterator<Item = &Mount> {
        std::iter::once(&self.mount).chain(&self.others)
    }
}

/// All of them in the order of their mounting, each once: the first of several mounts counts.
pub fn mounted() -> Result<Vec<Mounted>, Error> {
    let path = "/proc/self/mountinfo";
    let table = File::open(path).and_then(|file| mounts::read(BufReader::new(file)));
    let table = table.map_err(|error| failed(format!("failed to read '{path}'"), &error))?;
    Ok(on_devices(table.mounts, numbers_of))
}

fn on_devices(mounts: Vec<Mount>, numbers_of: impl Fn(&Path) -> Option<(u32, u32)>) -> Vec<Mounted> {
    let mut all: Vec<Mounted> = Vec::new();
    let mut places = BTreeMap::new();
    for mount in mounts {
        let Some(device) = device(&mount, &numbers_of) else { continue };
        let known = places.get(&device).and_then(|place: &usize| all.get_mut(*place));
        if let Some(known) = known {
            known.others.push(mount);
        } else {
            places.insert(device, all.len());
            all.push(Mounted::of(mount, device));
        }
    }
    all
}

/// Only btrfs has numbers of its own for file systems on devices, with major 0 as those without one have.
fn device(mount: &Mount, numbers_of: impl Fn(&Path) -> Option<(u32, u32)>) -> Option<(u32, u32)> {
    match mount.device_id {
        (0, _) if mount.kind == "btrfs" => numbers_of(path(&mount.source)),
        (0, _) => None,
        numbers => Some(numbers),
    }
}

fn numbers_of(node: &Path) -> Option<(u32, u32)> {
    let stat = rustix::fs::stat(node).ok()?;
    let is_block = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::BlockDevice;
    is_block.then(|| (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)))
}

/// Bytes of a path as a path.
pub fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Asks for space, and remembers what hangs.
#[derive(Debug)]
pub struct Spaces(Mutex<Series<Place>>);

impl Default for Spaces {
    fn default() -> Self {
        Self(Mutex::new(Series::new(Lane::FileSystems, "file systems", TIMEOUT)))
    }
}

/// A mount as an item of a series.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    at: Vec<u8>,
    device_id: (u32, u32),
    kind: String,
}

impl Item for Place {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.at))
    }
}

impl Place {
    fn space(&self) -> io::Result<Option<Space>> {
        let mount = Mount {
            place: self.at.clone(),
            device_id: self.device_id,
            kind: self.kind.clone(),
            ..Mount::default()
        };
        infiniservice_collector::space_of(&mount)
    }
}

impl Spaces {
    /// Of each what can be had: nothing of one that hangs, fails, or is covered by another mount.
    fn of(&self, all: &[Mounted]) -> Vec<Option<Space>> {
        let place = |one: &Mounted| Place {
            at: one.mount.place.clone(),
            device_id: one.mount.device_id,
            kind: one.mount.kind.clone(),
        };
        let places: Vec<Place> = all.iter().map(place).collect();
        let mut series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = series.each(&places, || Place::space);
        told.into_iter().map(|answer| answer.ok()?.ok()?).collect()
    }
}

/// `guest-get-fsinfo`: the last mounted comes first; libvirt turns the list round.
pub fn info(spaces: &Spaces) -> Result<Reply, Error> {
    let (all, devices) = (mounted()?, Devices::default());
    let of_each = spaces.of(&all);
    let told = all.iter().zip(of_each).rev();
    Ok(Reply::FileSystems(told.map(|(one, space)| file_system(&devices, one, space)).collect()))
}

fn file_system(devices: &Devices, one: &Mounted, space: Option<Space>) -> FileSystem {
    let device = devices.numbered(one.device);
    let blocks = |space: &Space, count: u64| count.saturating_mul(space.block_bytes);
    let used = |space: &Space| space.blocks.saturating_sub(space.free);
    FileSystem {
        name: device.as_ref().map(Device::name).unwrap_or_default(),
        mountpoint: one.mount.mount_point_text(),
        kind: one.mount.kind.clone(),
        disk: device.map(|device| addresses::all(devices, &device)).unwrap_or_default(),
        used_bytes: space.map(|space| blocks(&space, used(&space))),
        total_bytes: space.map(|space| blocks(&space, used(&space).saturating_add(space.available))),
        total_bytes_privileged: space.map(|space| blocks(&space, space.blocks)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(place: &str, device_id: (u32, u32), kind: &str, source: &str) -> Mount {
        let (place, source) = (place.into(), source.into());
        Mount { place, device_id, kind: kind.into(), source, ..Mount::default() }
    }

    #[test]
    fn each_file_system_on_a_device_counts_once_and_those_of_memory_or_network_do_not() {
        let mounts = vec![
            mount("/proc", (0, 22), "proc", "proc"),
            mount("/", (254, 1), "ext4", "/dev/vda1"),
            mount("/srv", (254, 1), "ext4", "/dev/vda1"),
            mount("/data", (0, 40), "btrfs", "/dev/vdb"),
            mount("/data/sub", (0, 41), "btrfs", "/dev/vdb"),
            mount("/home", (0, 50), "nfs4", "server:/home"),
            mount("/mnt", (7, 0), "xfs", "/dev/loop0"),
        ];
        let found = on_devices(mounts, |node| (node == Path::new("/dev/vdb")).then_some((254, 16)));
        let places: Vec<_> = found.iter().map(|one| one.mount.mount_point_text()).collect();
        assert_eq!(places, ["/", "/data", "/mnt"]);
        assert_eq!(found[1].device, (254, 16));
        let of_root: Vec<_> = found[0].mounts().map(Mount::mount_point_text).collect();
        assert_eq!(of_root, ["/", "/srv"]);
    }

    #[test]
    fn what_root_may_use_is_not_what_others_may() {
        let one = Mounted::of(mount("/", (1, 1), "ext4", "/dev/x"), (1, 1));
        let space = Space { block_bytes: 10, blocks: 100, free: 60, available: 50, ..Space::default() };
        let told = file_system(&Devices::below(Path::new("/nonexistent")), &one, Some(space));
        assert_eq!(
            (told.used_bytes, told.total_bytes, told.total_bytes_privileged),
            (Some(400), Some(900), Some(1000))
        );
        assert!(told.disk.is_empty());
        let hung = file_system(&Devices::below(Path::new("/nonexistent")), &one, None);
        assert_eq!((hung.mountpoint.as_str(), hung.used_bytes), ("/", None));
    }
}
