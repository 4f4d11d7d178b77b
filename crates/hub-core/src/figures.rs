//! The few figures by which people sort machines.

use infiniservice_protocol::metrics::{DiskUsage, System};

/// File systems that never fill: they are memory, or read only.
const NOT_DISKS: [&str; 7] = ["tmpfs", "devtmpfs", "overlay", "squashfs", "iso9660", "erofs", "efivarfs"];

/// Ratios are from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Of all processors.
    pub cpu: f32,
    /// What programs cannot get without swapping, of all memory.
    pub memory: f32,
    /// Of the fullest file system; 0 where there is none.
    pub disk: f32,
    /// Over one, five and fifteen minutes; `None` on Windows.
    pub load: Option<[f32; 3]>,
}

impl Figures {
    /// The figures of a sample.
    pub fn of(system: &System) -> Self {
        let memory = &system.memory;
        let load = system.load_average.as_ref();
        Self {
            cpu: (system.cpu.usage_percent / 100.0) as f32,
            memory: ratio(memory.total_kb.saturating_sub(memory.available_kb) as f64, memory.total_kb as f64),
            disk: fullest(system).map_or(0.0, |(_, used)| used),
            load: load
                .map(|load| [load.load_1min, load.load_5min, load.load_15min].map(|figure| figure as f32)),
        }
    }
}

/// The fullest file system, and how full it is: of what users can have, as `df` reckons.
pub fn fullest(system: &System) -> Option<(&DiskUsage, f32)> {
    let disks = system.disk.usage_stats.iter().filter(|disk| is_disk(disk));
    let used = |disk: &DiskUsage| ratio(disk.used_gb, disk.used_gb + disk.available_gb);
    disks.map(|disk| (disk, used(disk))).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Whether a file system is one that fills.
pub fn is_disk(disk: &DiskUsage) -> bool {
    !NOT_DISKS.contains(&disk.filesystem.as_str())
}

fn ratio(part: f64, whole: f64) -> f32 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::metrics::{Disk, Memory};

    fn disk(mount_point: &str, filesystem: &str, used_gb: f64, available_gb: f64) -> DiskUsage {
        let (mount_point, filesystem) = (mount_point.into(), filesystem.into());
        DiskUsage { mount_point, filesystem, used_gb, available_gb, total_gb: 100.0, ..DiskUsage::default() }
    }

    #[test]
    fn the_fullest_disk_is_by_what_users_can_have_and_never_a_cd_image() {
        let usage_stats = vec![
            disk("/", "ext4", 50.0, 45.0),
            disk("/cd", "iso9660", 9.0, 0.0),
            disk("/var", "xfs", 60.0, 20.0),
        ];
        let system = System { disk: Disk { usage_stats, ..Disk::default() }, ..System::default() };
        let (fullest, used) = fullest(&system).unwrap();
        assert_eq!((fullest.mount_point.as_str(), used), ("/var", 0.75));
    }

    #[test]
    fn a_guest_that_lies_has_ratios_between_0_and_1() {
        let memory = Memory { total_kb: 10, available_kb: 100, ..Memory::default() };
        assert_eq!(Figures::of(&System { memory, ..System::default() }), Figures::default());
        assert_eq!(Figures::of(&System::default()), Figures::default());
    }
}
