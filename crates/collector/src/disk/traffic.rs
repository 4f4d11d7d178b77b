//! Traffic of block devices, from `/proc/diskstats` (Documentation/admin-guide/iostats.rst).
//!
//! Only whole devices that hold data themselves count. Partitions, and what lies on top of other devices, would count the
//! same bytes twice. Which those are is asked of `/sys/block` (Documentation/ABI/stable/sysfs-block): a device with
//! `slaves` lies on others, whatever its name; names decide only for what sysfs does not tell.

use crate::numbers::{counter, per_second, percent};
use infiniservice_platform::linux::system::{DiskRow, diskstats};
use infiniservice_platform::linux::text::printable;
use infiniservice_protocol::metrics::{DiskDevice, DiskIo};
use std::collections::BTreeMap;
use std::time::Duration;

/// Sectors of this file have 512 bytes, whatever the device's own have.
const SECTOR_BYTES: u64 = 512;
/// Devices that are told one by one.
const MAX_DEVICES: usize = 64;
/// Longest name of one (`DISK_NAME_LEN` in include/linux/blkdev.h).
const MAX_NAME_BYTES: usize = 32;
/// Devices that lie on top of others, or in memory. Of these `dm-`, `md` and `bcache` have slaves in sysfs; the others do not.
const STACKED: [&[u8]; 10] =
    [b"loop", b"ram", b"zram", b"dm-", b"md", b"bcache", b"drbd", b"zd", b"fd", b"sr"];
/// An array with a name, or a partitionable one of old kernels (`md_home`, `md_d0`).
const NAMED_ARRAY: &[u8] = b"md_";

/// What sysfs says of a whole device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// It lies on other devices.
    pub has_slaves: bool,
    /// One of the paths to a device with several; not for users (`GENHD_FL_HIDDEN`).
    pub is_hidden: bool,
}

/// The whole devices of `/sys/block` by name; `None` where sysfs is not there.
pub type Topology = Option<BTreeMap<Vec<u8>, Whole>>;

/// What `/proc/diskstats` has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In its order, partitions and all.
    pub devices: Vec<Device>,
    /// Lines that could not be read, each the loss of its own device.
    pub unreadable: usize,
}

/// One device's counters since boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    name: Box<[u8]>,
    reads: u64,
    sectors_read: u64,
    writes: u64,
    sectors_written: u64,
    busy_ms: u64,
}

impl Device {
    /// One whose system counts bytes, and tells how long it was busy.
    #[allow(dead_code, reason = "of Windows")]
    pub fn of_bytes(name: &str, read: (u64, u64), written: (u64, u64), busy_ms: u64) -> Self {
        let (reads, sectors_read) = (read.0, read.1 / SECTOR_BYTES);
        let (writes, sectors_written) = (written.0, written.1 / SECTOR_BYTES);
        Self { name: name.as_bytes().into(), reads, sectors_read, writes, sectors_written, busy_ms }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    fn is_idle(&self) -> bool {
        self.reads == 0 && self.writes == 0
    }
}

/// Reads `/proc/diskstats`.
pub fn parse(text: &[u8]) -> Table {
    let mut table = Table::default();
    for row in diskstats(text) {
        match row.ok().as_ref().and_then(device) {
            Some(device) => table.devices.push(device),
            None => table.unreadable += 1,
        }
    }
    table
}

/// The devices that count.
pub fn counted(devices: Vec<Device>, topology: &Topology) -> Vec<Device> {
    match topology {
        Some(blocks) => by_topology(devices, blocks),
        None => by_name(devices),
    }
}

fn by_topology(devices: Vec<Device>, blocks: &BTreeMap<Vec<u8>, Whole>) -> Vec<Device> {
    let idle: Vec<Box<[u8]>> = devices.iter().filter(|d| d.is_idle()).map(|d| d.name.clone()).collect();
    let counts = |device: &Device| {
        let Some(whole) = blocks.get(device.name.as_ref()) else { return false };
        let head = whole.is_hidden.then(|| multipath_head(&device.name)).flatten();
        // Older kernels count the paths only, newer ones the device itself as well.
        let stands_in = head.is_some_and(|head| idle.iter().any(|name| **name == *head));
        !whole.has_slaves && (!whole.is_hidden || stands_in) && !is_stacked(&device.name)
    };
    devices.into_iter().filter(counts).collect()
}

fn by_name(devices: Vec<Device>) -> Vec<Device> {
    let mut whole: Box<[u8]> = Box::default();
    let mut counts = |device: &Device| {
        // The kernel lists a device's partitions straight after it.
        if is_partition(&device.name, &whole) {
            return false;
        }
        whole.clone_from(&device.name);
        !is_stacked(&device.name)
    };
    devices.into_iter().filter(|device| counts(device)).collect()
}

/// `nvme0n1` of its path `nvme0c3n1` (`nvme_mpath_set_disk_name` in drivers/nvme/host/multipath.c).
fn multipath_head(path: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(path).ok()?.strip_prefix("nvme")?;
    let (subsystem, rest) = text.split_once('c')?;
    let (_controller, namespace) = rest.split_once('n')?;
    Some(format!("nvme{subsystem}n{namespace}").into_bytes())
}

/// `None` where the line was torn.
fn device(row: &DiskRow<'_>) -> Option<Device> {
    let [reads, _, sectors_read, _, writes, _, sectors_written, _, _, busy_ms] = row.counters.first();
    (row.counters.count() >= 10).then(|| Device {
        name: row.name.into(),
        reads,
        sectors_read,
        writes,
        sectors_written,
        busy_ms,
    })
}

/// `sda1` of `sda`; `nvme0n1p2` of `nvme0n1`: a `p` stands between where the device's own name ends in a digit
/// (`bdevname` in block/partitions/core.c).
fn is_partition(name: &[u8], whole: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(whole).filter(|_| !whole.is_empty()) else { return false };
    let number =
        if whole.last().is_some_and(u8::is_ascii_digit) { rest.strip_prefix(b"p") } else { Some(rest) };
    number.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

fn is_stacked(name: &[u8]) -> bool {
    STACKED.iter().any(|prefix| {
        let rest = name.strip_prefix(*prefix);
        rest.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
    }) || name.starts_with(NAMED_ARRAY)
}

/// Totals since boot, and rates since `before` where there is such a sample.
pub fn figures(devices: &[Device], before: Option<(&[Device], Duration)>) -> DiskIo {
    let mut io = DiskIo::default();
    for device in devices {
        let earlier = before.map(|(list, elapsed)| (list.iter().find(|d| d.name == device.name), elapsed));
        add(&mut io, device, earlier);
    }
    io.read_bytes = counter(io.read_bytes);
    io.write_bytes = counter(io.write_bytes);
    io
}

/// Each device that was used since boot, and how many there are: a machine has many that never are, such as `nbd0` to `nbd15`.
pub fn each(devices: &[Device]) -> (Vec<DiskDevice>, usize) {
    let used = || devices.iter().filter(|device| !device.is_idle());
    let told = |device: &Device| DiskDevice {
        name: printable(&device.name, MAX_NAME_BYTES),
        reads: counter(device.reads),
        read_bytes: counter(bytes(device.sectors_read)),
        writes: counter(device.writes),
        write_bytes: counter(bytes(device.sectors_written)),
        busy_ms: counter(device.busy_ms),
    };
    (used().take(MAX_DEVICES).map(told).collect(), used().count())
}

fn bytes(sectors: u64) -> u64 {
    sectors.saturating_mul(SECTOR_BYTES)
}

/// A device that came in between is measured from the next sample on: its counters may be older than the interval.
fn add(io: &mut DiskIo, device: &Device, before: Option<(Option<&Device>, Duration)>) {
    io.read_bytes = io.read_bytes.saturating_add(bytes(device.sectors_read));
    io.write_bytes = io.write_bytes.saturating_add(bytes(device.sectors_written));
    let Some((Some(before), elapsed)) = before else { return };
    let rate = |before: u64, after: u64| per_second(before, after, elapsed);
    io.read_bytes_per_sec += rate(bytes(before.sectors_read), bytes(device.sectors_read));
    io.write_bytes_per_sec += rate(bytes(before.sectors_written), bytes(device.sectors_written));
    io.read_ops_per_sec += rate(before.reads, device.reads);
    io.write_ops_per_sec += rate(before.writes, device.writes);
    let busy = percent(device.busy_ms.saturating_sub(before.busy_ms), elapsed.as_millis() as u64);
    io.io_utilization_percent = io.io_utilization_percent.max(busy);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEBIAN_12: &[u8] = include_bytes!("../../tests/fixtures/proc-debian12-6.18/diskstats");

    fn names(text: &str) -> Vec<String> {
        let text = text
            .split_whitespace()
            .map(|n| format!("8 0 {n} 1 0 2 0 3 0 4 0 0 5 0\n"))
            .collect::<Vec<_>>()
            .concat();
        counted(parse(text.as_bytes()).devices, &None)
            .iter()
            .map(|d| String::from_utf8_lossy(&d.name).into_owned())
            .collect()
    }

    #[test]
    fn a_recorded_file_gives_the_one_disk() {
        let devices = counted(parse(DEBIAN_12).devices, &None);
        assert_eq!(devices.len(), 1);
        assert_eq!(&*devices[0].name, b"vda");
        assert!(figures(&devices, None).read_bytes > 1 << 30);
    }

    #[test]
    fn partitions_and_stacked_devices_are_not_counted_again() {
        let list = "sda sda1 sda2 sdaa sdaa1 nvme0n1 nvme0n1p1 nvme0n1p2 mmcblk0 mmcblk0p1 mmcblk0boot0 \
                    dm-0 dm-1 md0 md127 md_d0 md_d0p1 md_home loop0 zram0 ram1 sr0 vda vda14 nbd1 nbd12 rbd0 rbd0p1";
        let whole = ["sda", "sdaa", "nvme0n1", "mmcblk0", "mmcblk0boot0", "vda", "nbd1", "nbd12", "rbd0"];
        assert_eq!(names(list), whole);
    }

    #[test]
    fn rates_are_those_of_all_devices_and_busy_is_that_of_the_busiest() {
        let sample = |a: &str, b: &str| parse(format!("8 0 sda {a} 0\n8 16 sdb {b} 0\n").as_bytes()).devices;
        let before = sample("0 0 0 0 0 0 0 0 0 0", "10 0 100 0 0 0 0 0 0 0");
        let after = sample("20 0 200 0 4 0 40 0 0 500", "30 0 300 0 0 0 0 0 0 1500");
        let io = figures(&after, Some((&before, Duration::from_secs(2))));
        assert_eq!((io.read_ops_per_sec, io.write_ops_per_sec), (20.0, 2.0));
        assert_eq!((io.read_bytes_per_sec, io.write_bytes_per_sec), (200.0 * 512.0, 20.0 * 512.0));
        assert_eq!((io.read_bytes, io.write_bytes), (500 * 512, 40 * 512));
        assert!((io.io_utilization_percent - 75.0).abs() < 0.01);
    }

    #[test]
    fn a_device_that_was_plugged_in_has_no_rate_yet() {
        let after = parse(b"8 0 sda 9 0 9 0 9 0 9 0 0 9 0\n").devices;
        let io = figures(&after, Some((&[], Duration::from_secs(1))));
        assert!(io.read_bytes_per_sec.abs() < f64::EPSILON && io.read_bytes == 9 * 512);
    }

    #[test]
    fn each_device_that_was_used_is_told_by_itself_and_not_too_many() {
        let devices = parse(b"8 0 sda 3 0 8 0 2 0 16 0 0 70 0\n43 0 nbd0 0 0 0 0 0 0 0 0 0 0 0\n").devices;
        let told = DiskDevice {
            name: "sda".into(),
            reads: 3,
            read_bytes: 4096,
            writes: 2,
            write_bytes: 8192,
            busy_ms: 70,
        };
        assert_eq!(each(&devices), (vec![told], 1));
        let many =
            (0..70).map(|n| format!("8 0 sd{n} 1 0 8 0 2 0 16 0 0 70 0\n")).collect::<Vec<_>>().concat();
        let (told, used) = each(&parse(many.as_bytes()).devices);
        assert_eq!((told.len(), used), (MAX_DEVICES, 70));
    }

    #[test]
    fn a_torn_line_costs_its_own_device_and_is_counted() {
        let table = parse(b"8 0 sda 1 2\n8 16\n8 32 sdc 9 0 9 0 9 0 9 0 0 9 0\n");
        assert_eq!((table.unreadable, table.devices.len()), (2, 1));
        assert_eq!(table.devices[0].name(), b"sdc");
    }

    /// The devices that count, each with this many reads, where sysfs has these: `>` lies on others, `~` is hidden.
    fn counted_of(list: &[(&str, u64)], sysfs: &str) -> Vec<String> {
        let row = |(name, reads): &(&str, u64)| format!("8 0 {name} {reads} 0 2 0 0 0 4 0 0 5 0\n");
        let text = list.iter().map(row).collect::<Vec<_>>().concat();
        let whole = |mark: &str| Whole { has_slaves: mark.contains('>'), is_hidden: mark.contains('~') };
        let name = |mark: &str| mark.trim_matches(['>', '~']).as_bytes().to_vec();
        let blocks = sysfs.split_whitespace().map(|mark| (name(mark), whole(mark))).collect();
        let devices = counted(parse(text.as_bytes()).devices, &Some(blocks));
        devices.iter().map(|d| String::from_utf8_lossy(d.name()).into_owned()).collect()
    }

    #[test]
    fn what_lies_on_other_devices_is_known_by_sysfs_whatever_its_name() {
        let list = ["sda", "sda1", "sdb", "md_d0", "md_home", "vg-root", "dm-0", "cciss/c0d0"];
        let told =
            counted_of(&list.map(|name| (name, 1)), "sda sdb >md_d0 >md_home >vg-root >dm-0 cciss/c0d0");
        assert_eq!(told, ["sda", "sdb", "cciss/c0d0"]);
    }

    #[test]
    fn a_device_with_several_paths_counts_once() {
        let paths = |head: u64| [("nvme0n1", head), ("nvme0c0n1", 5), ("nvme0c1n1", 6), ("nvme0n1p1", 3)];
        assert_eq!(counted_of(&paths(11), "nvme0n1 ~nvme0c0n1 ~nvme0c1n1"), ["nvme0n1"]);
        let old_kernel = counted_of(&paths(0), "nvme0n1 ~nvme0c0n1 ~nvme0c1n1");
        assert_eq!(old_kernel, ["nvme0n1", "nvme0c0n1", "nvme0c1n1"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = counted(parse(&bytes).devices, &None);
        }

        #[test]
        fn any_counters_give_finite_rates(a: [u64; 10], b: [u64; 10], ms in 0u64..1000) {
            let line = |n: [u64; 10]| format!("8 0 sda {}", n.map(|v| v.to_string()).join(" "));
            let (a, b) = (parse(line(a).as_bytes()).devices, parse(line(b).as_bytes()).devices);
            let io = figures(&b, Some((&a, Duration::from_millis(ms))));
            prop_assert!(io.read_bytes_per_sec.is_finite() && io.io_utilization_percent <= 100.0);
        }
    }
}
