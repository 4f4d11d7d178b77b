//! File systems that lie in one another: an image that is mounted by a loop device is a file of another file system. That one has
//! to be frozen later, and thawed earlier: the upper one's freeze writes into the image.

use super::blocks::{Device, Devices};
use super::file_systems::{Mounted, path};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Devices that one file system may lie on, of all levels: partitions, volumes, disks, loops.
const MAX_DEVICES: usize = 256;

/// The order in which they are frozen: the last mounted first, but each after all that lie in it. Which file system a file belongs
/// to, `holder` says as `st_dev`.
pub fn freezing_order(
    mut systems: Vec<Mounted>,
    devices: &Devices,
    holder: impl Fn(&Path) -> Option<(u32, u32)>,
) -> Vec<Mounted> {
    systems.reverse();
    let holders = |one: &Mounted| -> BTreeSet<_> {
        image_files(devices, one.device).iter().filter_map(|file| holder(file)).collect()
    };
    let lies_in: Vec<BTreeSet<(u32, u32)>> = systems.iter().map(holders).collect();
    let mut order = Order { systems: &systems, lies_in: &lies_in, begun: BTreeSet::new(), found: Vec::new() };
    (0..systems.len()).for_each(|index| order.place(index));
    order.found.into_iter().filter_map(|index| systems.get(index).cloned()).collect()
}

struct Order<'a> {
    systems: &'a [Mounted],
    /// Of each, the file systems that its image files belong to.
    lies_in: &'a [BTreeSet<(u32, u32)>],
    begun: BTreeSet<usize>,
    found: Vec<usize>,
}

impl Order<'_> {
    /// Puts those that lie in it first.
    fn place(&mut self, index: usize) {
        if !self.begun.insert(index) {
            return;
        }
        for upper in 0..self.systems.len() {
            if self.lies_in(upper, index) {
                self.place(upper);
            }
        }
        self.found.push(index);
    }

    fn lies_in(&self, upper: usize, lower: usize) -> bool {
        let (Some(holders), Some(lower)) = (self.lies_in.get(upper), self.systems.get(lower)) else {
            return false;
        };
        lower.mounts().any(|mount| holders.contains(&mount.device_id))
    }
}

/// Files that the device is made of in the end.
fn image_files(devices: &Devices, numbers: (u32, u32)) -> Vec<PathBuf> {
    let mut waiting: Vec<Device> = devices.numbered(numbers).into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    while let Some(device) = waiting.pop() {
        if seen.len() >= MAX_DEVICES || !seen.insert(device.directory.clone()) {
            continue;
        }
        files.extend(device.word("loop/backing_file").map(|file| path(file.as_bytes()).to_owned()));
        waiting.extend(device.slaves());
        waiting.extend(device.whole());
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::linux::mounts::Mount;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn mounted(place: &str, device: (u32, u32)) -> Mounted {
        Mounted::of(Mount { place: place.into(), device_id: device, ..Mount::default() }, device)
    }

    /// A device in a tree as sysfs has it.
    fn device(root: &Path, numbers: &str, below: &str) -> PathBuf {
        let directory = root.join("sys/devices/virtual/block").join(below);
        fs::create_dir_all(&directory).expect("a directory");
        fs::create_dir_all(root.join("sys/dev/block")).expect("a directory");
        symlink(&directory, root.join("sys/dev/block").join(numbers)).expect("a link");
        directory
    }

    fn order_of(root: &Path, systems: Vec<Mounted>) -> Vec<String> {
        let holder = |file: &Path| match file.to_str()? {
            "/srv/one.img" => Some((254, 2)),
            "/mnt/two.img" => Some((7, 0)),
            _ => None,
        };
        let order = freezing_order(systems, &Devices::below(root), holder);
        order.iter().map(|one| one.mount.mount_point_text()).collect()
    }

    #[test]
    fn without_images_the_last_mounted_comes_first() {
        let root = tempfile::tempdir().expect("a directory");
        let systems = vec![mounted("/", (254, 1)), mounted("/srv", (254, 2)), mounted("/home", (254, 3))];
        assert_eq!(order_of(root.path(), systems), ["/home", "/srv", "/"]);
    }

    #[test]
    fn an_image_comes_before_what_holds_it_however_they_were_mounted() {
        let root = tempfile::tempdir().expect("a directory");
        let one = device(root.path(), "7:0", "loop0");
        fs::create_dir(one.join("loop")).expect("a directory");
        fs::write(one.join("loop/backing_file"), "/srv/one.img\n").expect("written");
        // The second is a volume on a partition of a loop device, in the first.
        let two = device(root.path(), "7:1", "loop1");
        fs::create_dir(two.join("loop")).expect("a directory");
        fs::write(two.join("loop/backing_file"), "/mnt/two.img\n").expect("written");
        let part = device(root.path(), "259:5", "loop1/loop1p1");
        fs::write(part.join("partition"), "1\n").expect("written");
        let volume = device(root.path(), "253:0", "dm-0");
        fs::create_dir(volume.join("slaves")).expect("a directory");
        symlink(&part, volume.join("slaves/loop1p1")).expect("a link");
        // What holds the images was mounted last, as after a move.
        let systems = vec![
            mounted("/deep", (253, 0)),
            mounted("/mnt", (7, 0)),
            mounted("/", (254, 1)),
            mounted("/srv", (254, 2)),
        ];
        assert_eq!(order_of(root.path(), systems), ["/deep", "/mnt", "/srv", "/"]);
    }

    #[test]
    fn an_image_that_would_lie_in_itself_ends() {
        let root = tempfile::tempdir().expect("a directory");
        let one = device(root.path(), "7:0", "loop0");
        fs::create_dir(one.join("loop")).expect("a directory");
        fs::write(one.join("loop/backing_file"), "/mnt/two.img\n").expect("written");
        assert_eq!(order_of(root.path(), vec![mounted("/mnt", (7, 0)), mounted("/", (8, 1))]), ["/", "/mnt"]);
    }
}
