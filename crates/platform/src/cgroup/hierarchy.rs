//! Where cgroup v2 is mounted, and where in it a process is.
//!
//! Paths are bytes: one mount of an ordinary user with a name that is not UTF-8 must not hide the others.

use crate::linux::mounts;
use rustix::fs::statfs;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// `CGROUP2_SUPER_MAGIC` (linux/magic.h).
const CGROUP2: u64 = 0x6367_7270;
/// Where systemd mounts it, alone or beside version 1.
const USUAL: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// Of the list of mounts so much is read.
const MOUNTS_MAX_BYTES: u64 = 16 << 20;

/// Where cgroup v2 is mounted.
pub fn hierarchy() -> Option<PathBuf> {
    let usual = USUAL.into_iter().map(PathBuf::from).find(|path| is_cgroup2(path));
    usual.or_else(|| {
        of_mounts(BufReader::new(File::open("/proc/self/mountinfo").ok()?.take(MOUNTS_MAX_BYTES)))
    })
}

fn is_cgroup2(path: &Path) -> bool {
    statfs(path).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(CGROUP2))
}

/// The first mount of type cgroup2 in a list as of `/proc/PID/mountinfo`.
fn of_mounts(mounts: impl BufRead) -> Option<PathBuf> {
    let mounts = mounts::read(mounts).ok()?.mounts;
    let first = mounts.into_iter().find(|mount| mount.kind == "cgroup2")?;
    Some(PathBuf::from(OsString::from_vec(first.place)))
}

/// Of `/proc/PID/cgroup` the line `0::`, below the mount of cgroup v2.
pub fn path_of(own: &[u8], hierarchy: &Path) -> Option<PathBuf> {
    let path = own.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::/"))?;
    Some(hierarchy.join(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        // Debian 12, systemd 252.
        let own = b"4:memory:/x\n0::/system.slice/infiniservice.service\n";
        let path = path_of(own, Path::new("/sys/fs/cgroup")).unwrap();
        assert_eq!(path, Path::new("/sys/fs/cgroup/system.slice/infiniservice.service"));
        assert_eq!(path_of(b"4:memory:/x\n", Path::new("/")), None);
    }

    #[test]
    fn a_mount_whose_name_is_no_utf_8_hides_nothing() {
        let mounts = b"90 30 0:50 / /home/alice/\xff/0000 rw,nosuid - fuse.x x rw,user_id=1000\n\
            25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
            29 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(of_mounts(&mounts[..]).unwrap(), Path::new("/sys/fs/cgroup"));
        assert_eq!(of_mounts(&b"25 30 0:23 / /sys rw - sysfs sysfs rw\n"[..]), None);
    }

    #[test]
    fn the_kernel_says_by_the_file_system_where_it_is() {
        let (Some(found), Ok(mounts)) = (hierarchy(), std::fs::read("/proc/self/mountinfo")) else { return };
        assert!(is_cgroup2(&found));
        assert!(of_mounts(&mounts[..]).is_some() && !is_cgroup2(Path::new("/proc")));
    }
}
