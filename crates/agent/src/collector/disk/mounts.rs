//! Which mounts are file systems of their own, from `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).

use crate::collector::text::{lines, printable, unescape_octal, words};

/// Kernel interfaces, memory and automounters: nothing that fills a disk.
const PSEUDO: [&str; 38] = [
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
    "fuse.snapfuse",
    "fusectl",
    "hugetlbfs",
    "iso9660",
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
    "squashfs",
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

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    fn is_network(&self) -> bool {
        NETWORK.contains(&self.kind.as_str()) || self.kind.starts_with("fuse.")
    }

    fn is_below(&self, place: &[u8]) -> bool {
        self.place.strip_prefix(place).is_some_and(|rest| rest.starts_with(b"/"))
    }

    /// Whether `st_dev` of its root is the device number told here; btrfs gives each subvolume one of its own.
    pub fn has_own_device_id(&self) -> bool {
        self.kind != "btrfs"
    }

    fn is_pseudo(&self) -> bool {
        // A container's layers lie on a file system that is listed itself; a live system's root does not.
        let layer = matches!(self.kind.as_str(), "overlay" | "aufs" | "unionfs") && self.place != b"/";
        layer || (PSEUDO.contains(&self.kind.as_str()) && self.place != b"/")
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

/// Reads `/proc/self/mountinfo`; lines that are not understood are passed over.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    lines(text).filter_map(|(_, line)| mount(line)).collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = words(line).skip(2);
    let device_id = device_id(fields.next()?)?;
    let (root, place) = (unescape_octal(fields.next()?), unescape_octal(fields.next()?));
    let mut rest = fields.skip_while(|word| *word != b"-").skip(1);
    let kind = printable(&unescape_octal(rest.next()?), 64);
    let source = rest.next().map(unescape_octal).unwrap_or_default();
    Some(Mount { device_id, root, place, kind, source, behind_network: false })
}

fn device_id(word: &[u8]) -> Option<(u32, u32)> {
    let (major, minor) = std::str::from_utf8(word).ok()?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Each file system once, by mount point: without pseudo file systems, bind mounts, containers' layers, further
/// subvolumes, and what is hidden under a later mount at the same place.
pub fn file_systems(mut mounts: Vec<Mount>) -> Vec<Mount> {
    // Of several mounts at one place the last is seen; a stable sort keeps the file's order within a place.
    mounts.sort_by(|a, b| a.place.cmp(&b.place));
    mounts.reverse();
    mounts.dedup_by(|a, b| a.place == b.place);
    let network: Vec<_> = mounts.iter().filter(|m| m.is_network()).map(|m| m.place.clone()).collect();
    for mount in &mut mounts {
        mount.behind_network = network.iter().any(|place| mount.is_below(place));
    }
    mounts.retain(|m| !m.is_pseudo());
    mounts.sort_by(|a, b| (a.identity(), a.preference()).cmp(&(b.identity(), b.preference())));
    mounts.dedup_by(|a, b| a.identity() == b.identity());
    mounts.sort_by(|a, b| a.place.cmp(&b.place));
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: &[u8] = include_bytes!("../../../tests/fixtures/mountinfo-debian12-server");

    fn listed(text: &[u8]) -> Vec<String> {
        file_systems(parse(text)).iter().map(Mount::mount_point_text).collect()
    }

    #[test]
    fn each_file_system_is_listed_once() {
        let expected = ["/", "/boot/efi", "/data", "/mnt/my share", "/srv/pool", "/srv/www"];
        assert_eq!(listed(SERVER), expected);
    }

    #[test]
    fn a_bind_mount_stands_for_its_file_system_only_where_nothing_else_does() {
        let bind = b"30 1 8:1 /lib/x /etc/hosts rw - ext4 /dev/sda1 rw\n";
        assert_eq!(listed(bind), ["/etc/hosts"]);
        let both = [&bind[..], b"31 1 8:1 / /a/long/way/down rw - ext4 /dev/sda1 rw\n"].concat();
        assert_eq!(listed(&both), ["/a/long/way/down"]);
    }

    #[test]
    fn the_mount_on_top_hides_the_one_below() {
        let text = b"30 1 8:1 / /mnt rw - ext4 /dev/sda1 rw\n31 30 8:2 / /mnt rw - xfs /dev/sda2 rw\n";
        let list = file_systems(parse(text));
        assert_eq!((list.len(), list[0].kind.as_str()), (1, "xfs"));
    }

    #[test]
    fn a_local_disk_below_a_network_mount_may_hang_with_it() {
        let text = b"30 1 0:50 / /nfs rw - nfs4 h:/ rw\n31 30 8:2 / /nfs/local rw - xfs /dev/sda2 rw\n\
                     32 1 8:3 / /nfsx rw - xfs /dev/sda3 rw\n";
        let hanging: Vec<_> = file_systems(parse(text)).iter().map(Mount::may_hang).collect();
        assert_eq!(hanging, [true, true, false]);
    }

    #[test]
    fn a_live_systems_overlay_root_is_a_file_system() {
        assert_eq!(listed(b"30 1 0:30 / / rw - overlay overlay rw,lowerdir=/a\n"), ["/"]);
    }

    #[test]
    fn what_may_hang_is_known_by_its_type() {
        let list = file_systems(parse(SERVER));
        let hanging: Vec<_> = list.iter().filter(|m| m.may_hang()).map(Mount::mount_point_text).collect();
        assert_eq!(hanging, ["/mnt/my share"]);
        let sshfs = parse(b"9 1 0:50 / /m rw - fuse.sshfs u@h:/ rw\n");
        assert!(sshfs[0].may_hang());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = file_systems(parse(&bytes));
        }

        #[test]
        fn no_mount_point_and_no_device_is_listed_twice(rows in proptest::collection::vec((0u8..4, 0u8..4, 0u8..4), 0..30)) {
            let text = rows.iter().map(|(d, r, p)| format!("1 1 8:{d} /{r} /{p} rw - ext4 /dev/sd{d} rw\n")).collect::<Vec<_>>().concat();
            let list = file_systems(parse(text.as_bytes()));
            let mut points: Vec<_> = list.iter().map(|m| &m.place).collect();
            let mut devices: Vec<_> = list.iter().map(|m| m.device_id).collect();
            points.dedup();
            devices.sort_unstable();
            devices.dedup();
            prop_assert_eq!((points.len(), devices.len()), (list.len(), list.len()));
        }
    }
}
