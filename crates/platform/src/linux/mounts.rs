//! Which mounts are file systems of their own, from `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).

use super::text::{printable, unescape_octal, words};
use std::collections::BTreeSet;
use std::io::{self, BufRead};

/// Images: made full, and never written.
const IMAGES: [&str; 11] = [
    "composefs",
    "cramfs",
    "erofs",
    "fuse.erofsfuse",
    "fuse.snapfuse",
    "fuse.squashfuse",
    "fuse.squashfuse_ll",
    "iso9660",
    "romfs",
    "squashfs",
    "udf",
];
/// What shows the files of other file systems that are listed themselves, and their space as its own.
const LAYERS: [&str; 18] = [
    "aufs",
    "ecryptfs",
    "fuse.bindfs",
    "fuse.catfs",
    "fuse.cryfs",
    "fuse.encfs",
    "fuse.fuse-overlayfs",
    "fuse.gocryptfs",
    "fuse.mergerfs",
    "fuse.mhddfs",
    "fuse.rofiles-fuse",
    "fuse.securefs",
    "fuse.unionfs",
    "fuse.unionfs-fuse",
    "mergerfs",
    "overlay",
    "shiftfs",
    "unionfs",
];
/// Kernel interfaces, memory and automounters: nothing that fills a disk.
const PSEUDO: [&str; 35] = [
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cpuset",
    "debugfs",
    "devfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "none",
    "nsfs",
    "pipefs",
    "proc",
    "pstore",
    "ramfs",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sockfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "usbfs",
];
/// What may wait for another machine or another process. So may every `fuse.*`.
const NETWORK: [&str; 20] = [
    "9p",
    "acfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse",
    "fuseblk",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    "virtiofs",
];
/// Longest path kept.
const MAX_PATH_BYTES: usize = 4096;
/// Longest line read: two paths of 4096 bytes, each byte of them escaped, and options of a page.
const MAX_LINE_BYTES: u64 = 48 << 10;
/// Most mounts kept; the kernel allows 100,000 (`fs.mount-max`).
const MAX_MOUNTS: usize = 20_000;

/// One mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// Device numbers of the file system, as in `st_dev`.
    pub device_id: (u32, u32),
    /// What of the file system is mounted: `/` for all of it, another path for a bind mount or a subvolume.
    pub root: Vec<u8>,
    /// The mount point.
    pub place: Vec<u8>,
    /// `ext4`.
    pub kind: String,
    /// `/dev/vda1`.
    pub source: Vec<u8>,
    /// Whether the way to the mount point leads through a file system that may hang.
    pub behind_network: bool,
    /// Whether the whole file system cannot be written: made so, or stopped by the kernel after an error.
    pub read_only: bool,
    /// Whether this mount of it cannot be written.
    pub here_read_only: bool,
    /// Whether an ordinary user serves it (FUSE's `user_id`): its figures are what he says.
    pub of_a_user: bool,
}

/// The mounts of a table, and how many of its lines are not among them: unreadable, too long, or too many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In the table's order.
    pub mounts: Vec<Mount>,
    /// Lines that are not among them.
    pub left_out: usize,
}

impl Mount {
    /// For the wire and for people.
    pub fn mount_point_text(&self) -> String {
        printable(&self.place, MAX_PATH_BYTES)
    }

    /// For the wire.
    pub fn source_text(&self) -> String {
        printable(&self.source, MAX_PATH_BYTES)
    }

    /// Whether asking it may wait for another machine or process.
    pub fn may_hang(&self) -> bool {
        self.behind_network || self.is_network()
    }

    /// Whether it is full because it was made so: then that it is full says nothing.
    pub fn is_full_by_design(&self, available: u64) -> bool {
        self.is_image() || (self.read_only && available == 0)
    }

    /// Whether nothing can ever write it.
    pub fn is_image(&self) -> bool {
        IMAGES.contains(&self.kind.as_str())
    }

    /// Whether it is of a block device.
    pub fn is_on_a_device(&self) -> bool {
        self.source.starts_with(b"/dev/")
    }

    fn is_network(&self) -> bool {
        NETWORK.contains(&self.kind.as_str()) || self.kind.starts_with("fuse.")
    }

    /// Whether `st_dev` of its root is the device number told here; btrfs gives each subvolume one of its own.
    pub fn has_own_device_id(&self) -> bool {
        self.kind != "btrfs"
    }

    fn is_pseudo(&self) -> bool {
        let kind = self.kind.as_str();
        // A container's layers lie on a file system that is listed itself; a live system's root does not.
        self.place != b"/" && (LAYERS.contains(&kind) || PSEUDO.contains(&kind) || self.is_image())
    }

    /// The same for all mounts of one file system. The subvolumes of btrfs differ in `device_id` and share a source.
    fn identity(&self) -> Identity<'_> {
        if self.kind == "btrfs" { Identity::Source(&self.source) } else { Identity::Device(self.device_id) }
    }

    /// Of the mounts of one file system the one told: all of it before a part, then the shortest path.
    fn preference(&self) -> (bool, usize, &[u8]) {
        (self.root != b"/", self.place.len(), &self.place)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Source(&'a [u8]),
    Device((u32, u32)),
}

/// For tests: the mounts of a text.
#[cfg(test)]
pub fn parse(text: &[u8]) -> Vec<Mount> {
    read(io::Cursor::new(text)).unwrap_or_default().mounts
}

/// Reads `/proc/self/mountinfo` line by line: users can make it long.
pub fn read(mut file: impl BufRead) -> io::Result<Table> {
    let (mut table, mut line) = (Table::default(), Vec::new());
    loop {
        line.clear();
        if io::Read::take(&mut file, MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(table);
        }
        let is_whole = line.last() == Some(&b'\n');
        if !is_whole {
            file.skip_until(b'\n')?;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match mount(line.trim_ascii_end()).filter(|_| is_whole && table.mounts.len() < MAX_MOUNTS) {
            Some(mount) => table.mounts.push(mount),
            None => table.left_out += 1,
        }
    }
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = words(line).skip(2);
    let device_id = device_id(fields.next()?)?;
    let (root, place) = (unescape_octal(fields.next()?), unescape_octal(fields.next()?));
    let here_read_only = has_option(fields.next()?, b"ro");
    let mut rest = fields.skip_while(|word| *word != b"-").skip(1);
    let kind = printable(&unescape_octal(rest.next()?), 64);
    let source = rest.next().map(unescape_octal).unwrap_or_default();
    let options = rest.next().unwrap_or_default();
    // `emergency_ro` is what ext4 of newer kernels says instead of `ro` after an error (fs/ext4/super.c).
    let read_only = has_option(options, b"ro") || has_option(options, b"emergency_ro");
    let of_a_user = kind.starts_with("fuse") && is_of_a_user(options);
    let behind_network = false;
    Some(Mount { device_id, root, place, kind, source, behind_network, read_only, here_read_only, of_a_user })
}

/// Whether this word is among options that commas separate.
pub fn has_option(options: &[u8], wanted: &[u8]) -> bool {
    options.split(|byte| *byte == b',').any(|option| option == wanted)
}

/// Each FUSE mount says who made it (`fuse_show_options` in fs/fuse/inode.c).
fn is_of_a_user(options: &[u8]) -> bool {
    let ids = options.split(|byte| *byte == b',').filter_map(|option| option.strip_prefix(b"user_id="));
    ids.into_iter().any(|id| id != b"0")
}

fn device_id(word: &[u8]) -> Option<(u32, u32)> {
    let (major, minor) = std::str::from_utf8(word).ok()?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Each file system once, by mount point: without pseudo file systems, bind mounts, containers' layers, further
/// subvolumes, those of ordinary users, and what is hidden under a later mount at the same place.
pub fn file_systems(mut mounts: Vec<Mount>) -> Vec<Mount> {
    // Of several mounts at one place the last is seen; a stable sort keeps the file's order within a place.
    mounts.sort_by(|a, b| a.place.cmp(&b.place));
    mounts.reverse();
    mounts.dedup_by(|a, b| a.place == b.place);
    mark_behind_network(&mut mounts);
    mounts.retain(|m| !m.is_pseudo() && !m.of_a_user);
    mounts.sort_by(|a, b| (a.identity(), a.preference()).cmp(&(b.identity(), b.preference())));
    mounts.dedup_by(|a, b| a.identity() == b.identity());
    mounts.sort_by(|a, b| a.place.cmp(&b.place));
    mounts
}

/// The most important `max` of these, by mount point: those of devices before all others, of which there may be any number.
pub fn most_important(mut mounts: Vec<Mount>, max: usize) -> Vec<Mount> {
    mounts.sort_by_key(|mount| (!mount.is_on_a_device(), mount.may_hang()));
    mounts.truncate(max);
    mounts.sort_by(|a, b| a.place.cmp(&b.place));
    mounts
}

/// A mount lies behind another machine or process where one of the directories above it does.
fn mark_behind_network(mounts: &mut [Mount]) {
    let network: BTreeSet<Vec<u8>> =
        mounts.iter().filter(|m| m.is_network()).map(|m| m.place.clone()).collect();
    for mount in mounts {
        let place = &mount.place;
        let mut above = (1..place.len()).filter(|end| place.get(*end) == Some(&b'/'));
        mount.behind_network = above.any(|end| place.get(..end).is_some_and(|at| network.contains(at)));
    }
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
