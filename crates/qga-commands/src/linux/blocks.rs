//! Block devices as sysfs shows them, with what udev keeps of each.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Devices below one another, as in LVM on RAID on partitions.
const MAX_DEPTH: usize = 8;
/// Devices that one lies on.
const MAX_SLAVES: usize = 64;

/// Where devices are described: `/`, or a made-up tree.
#[derive(Debug)]
pub struct Devices {
    root: PathBuf,
}

/// One block device: a disk, a partition, or a virtual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its directory in `/sys/devices`, without links.
    pub directory: PathBuf,
}

impl Default for Devices {
    fn default() -> Self {
        Self::below(Path::new("/"))
    }
}

impl Devices {
    /// Below another root.
    pub fn below(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The device with these numbers.
    pub fn numbered(&self, (major, minor): (u32, u32)) -> Option<Device> {
        Device::at(&self.root.join(format!("sys/dev/block/{major}:{minor}")))
    }

    /// All whole disks, by name.
    pub fn all(&self) -> Vec<Device> {
        let names = fs::read_dir(self.root.join("sys/block")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = names.map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().filter_map(|path| Device::at(path)).collect()
    }

    /// The directory's path as the kernel names it, from `/devices`.
    pub fn kernel_path<'a>(&self, device: &'a Device) -> &'a Path {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        device.directory.strip_prefix(root.join("sys")).unwrap_or(&device.directory)
    }

    /// Whether it is made of other devices, or of none.
    pub fn is_virtual(&self, device: &Device) -> bool {
        self.kernel_path(device).starts_with("devices/virtual")
    }

    /// What udev keeps under this name.
    pub fn property(&self, device: &Device, name: &str) -> Option<String> {
        let numbers = device.word("dev")?;
        let text = fs::read_to_string(self.root.join(format!("run/udev/data/b{numbers}"))).ok()?;
        let value =
            text.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned).filter(|value| !value.is_empty())
    }

    /// The real devices that it lies on; itself where it is one. None for what lies on a file.
    pub fn real(&self, device: &Device) -> Vec<Device> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        self.go_down(device, MAX_DEPTH, &mut seen, &mut found);
        found
    }

    fn go_down(&self, device: &Device, depth: usize, seen: &mut BTreeSet<PathBuf>, found: &mut Vec<Device>) {
        if depth == 0 || !seen.insert(device.directory.clone()) {
            return;
        }
        if !self.is_virtual(device) {
            found.push(device.clone());
            return;
        }
        for slave in device.slaves() {
            self.go_down(&slave, depth - 1, seen, found);
        }
    }
}

impl Device {
    /// What it lies on directly.
    pub fn slaves(&self) -> Vec<Self> {
        let names = fs::read_dir(self.directory.join("slaves")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = names.map(|entry| entry.path()).take(MAX_SLAVES).collect();
        paths.sort();
        paths.iter().filter_map(|path| Self::at(path)).collect()
    }

    /// The disk that it is a partition of.
    pub fn whole(&self) -> Option<Self> {
        self.word("partition")?;
        Some(Self { directory: self.directory.parent()?.to_owned() })
    }

    fn at(link: &Path) -> Option<Self> {
        link.canonicalize().ok().map(|directory| Self { directory })
    }

    /// `vda1`, as sysfs names it.
    pub fn name(&self) -> String {
        self.directory.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// `/dev/vda1`. sysfs writes `!` for the `/` of a name such as cciss/c0d0.
    pub fn node(&self) -> String {
        format!("/dev/{}", self.name().replace('!', "/"))
    }

    /// A file's text without the white space around it.
    pub fn word(&self, file: &str) -> Option<String> {
        let text = fs::read_to_string(self.directory.join(file)).ok()?;
        Some(text.trim().to_owned()).filter(|word| !word.is_empty())
    }

    /// Whether it has room at all.
    pub fn has_size(&self) -> bool {
        self.word("size").is_some_and(|size| size != "0")
    }

    /// Its partitions, by name.
    pub fn partitions(&self) -> Vec<Self> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut directories: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        directories.retain(|path| path.join("partition").exists());
        directories.sort();
        directories.into_iter().map(|directory| Self { directory }).collect()
    }
}
