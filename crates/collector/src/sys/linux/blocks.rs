//! Which block devices lie on others, from `/sys/block` (Documentation/ABI/stable/sysfs-block).

use crate::disk::io::{Device, Topology, Whole};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

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
            self.known = read(&self.directory);
            self.known_of = devices.iter().map(|device| device.name().to_vec()).collect();
        }
        &self.known
    }
}

/// `None` where there is no sysfs, or none that names a device.
fn read(directory: &Path) -> Topology {
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
    use crate::disk::io;

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
        let devices = io::parse(b"8 0 sda 1 0 2 0 3 0 4 0 0 5\n").devices;
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
