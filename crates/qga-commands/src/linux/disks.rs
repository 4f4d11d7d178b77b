//! Disks, partitions, and the unused blocks on them.

use super::addresses;
use super::blocks::{Device, Devices};
use super::file_systems::{Mounted, mounted, path};
use crate::work::reason;
use infiniservice_platform::file_systems_unsafe;
use infiniservice_qga::reply::{Disk, Trimmed, TrimmedPath};
use infiniservice_qga::{Error, Reply};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::AsFd;

/// `guest-get-disks`.
pub fn disks() -> Reply {
    Reply::Disks(list(&Devices::default()))
}

fn list(devices: &Devices) -> Vec<Disk> {
    let disks = devices.all().into_iter().filter(Device::has_size);
    let with_partitions = |disk: Device| {
        let of_it =
            disk.partitions().into_iter().map(|part| partition(devices, &part, &disk)).collect::<Vec<_>>();
        std::iter::once(whole(devices, &disk)).chain(of_it).collect::<Vec<_>>()
    };
    disks.flat_map(with_partitions).collect()
}

fn whole(devices: &Devices, disk: &Device) -> Disk {
    let is_real = !devices.is_virtual(disk);
    Disk {
        name: disk.node(),
        partition: false,
        dependencies: Some(disk.slaves().iter().map(Device::node).collect()),
        address: is_real.then(|| addresses::of(devices, disk)),
        alias: disk.word("dm/name"),
    }
}

fn partition(devices: &Devices, part: &Device, disk: &Device) -> Disk {
    let is_real = !devices.is_virtual(part);
    Disk {
        name: part.node(),
        partition: true,
        dependencies: Some(vec![disk.node()]),
        address: is_real.then(|| addresses::of(devices, part)),
        alias: None,
    }
}

/// `guest-fstrim`: what came of each file system; none of them fails the whole.
pub fn trim(minimum: i64) -> Result<Reply, Error> {
    let minimum = minimum.max(0).unsigned_abs();
    let paths = mounted()?.iter().map(|one| trimmed(one, minimum)).collect();
    Ok(Reply::Trimmed(Trimmed { paths }))
}

fn trimmed(one: &Mounted, minimum: u64) -> TrimmedPath {
    let told = |result: Result<(u64, u64), String>| {
        let (done, error) = match result {
            Ok(done) => (Some(done), None),
            Err(error) => (None, Some(error)),
        };
        let path = one.mount.mount_point_text();
        TrimmedPath { path, trimmed: done.map(|done| done.0), minimum: done.map(|done| done.1), error }
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match open(path(&one.mount.place), flags, Mode::empty()) {
        Ok(directory) => {
            told(file_systems_unsafe::trim(directory.as_fd(), minimum).map_err(|error| why_not(&error)))
        }
        Err(error) => told(Err(format!("failed to open: {}", reason(&error.into())))),
    }
}

fn why_not(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::NOTTY | Errno::OPNOTSUPP) => "trim not supported".to_owned(),
        _ => format!("failed to trim: {}", reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    /// A device, with its link in `/sys/block` where it is a whole one.
    fn device(root: &Path, place: &str, name: &str, files: &[(&str, &str)]) {
        let directory = root.join("sys/devices").join(place).join(name);
        fs::create_dir_all(directory.join("slaves")).unwrap();
        for (file, text) in files {
            let file = directory.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        if !place.ends_with("vda") {
            symlink(&directory, root.join("sys/block").join(name)).unwrap();
        }
    }

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("sys/block")).unwrap();
        let (real, made) = ("pci0000:00/0000:00:05.0/virtio1/block", "virtual/block");
        device(root.path(), real, "vda", &[("size", "80\n")]);
        device(root.path(), &format!("{real}/vda"), "vda1", &[("size", "40\n"), ("partition", "1\n")]);
        device(root.path(), made, "dm-0", &[("size", "40\n"), ("dm/name", "vg-root\n")]);
        device(root.path(), made, "loop0", &[("size", "0\n")]);
        device(root.path(), made, "loop1", &[("size", "9\n")]);
        let (top, slave) =
            (root.path().join("sys/devices"), "pci0000:00/0000:00:05.0/virtio1/block/vda/vda1");
        symlink(top.join(slave), top.join("virtual/block/dm-0/slaves/vda1")).unwrap();
        root
    }

    #[test]
    fn disks_come_with_their_partitions_and_what_they_lie_on() {
        let root = machine();
        let told = list(&Devices::below(root.path()));
        let names: Vec<&str> = told.iter().map(|disk| disk.name.as_str()).collect();
        assert_eq!(names, ["/dev/dm-0", "/dev/loop1", "/dev/vda", "/dev/vda1"]);
        let [mapped, looped, disk, part] = &told[..] else { panic!() };
        assert_eq!(
            (mapped.alias.as_deref(), mapped.dependencies.as_deref()),
            (Some("vg-root"), Some(&["/dev/vda1".to_owned()][..]))
        );
        assert!(mapped.address.is_none() && looped.address.is_none(), "virtual ones hang nowhere");
        assert!(disk.address.is_some() && !disk.partition && part.partition);
        assert_eq!(part.dependencies.as_deref(), Some(&["/dev/vda".to_owned()][..]));
    }

    #[test]
    fn a_volume_has_the_addresses_of_the_disks_below_it_and_a_file_none() {
        let root = machine();
        let devices = Devices::below(root.path());
        let named = |name: &str| devices.all().into_iter().find(|device| device.name() == name).unwrap();
        let below = addresses::all(&devices, &named("dm-0"));
        assert_eq!(
            below.iter().map(|address| address.dev.as_deref()).collect::<Vec<_>>(),
            [Some("/dev/vda1")]
        );
        assert!(addresses::all(&devices, &named("loop1")).is_empty());
    }
}
