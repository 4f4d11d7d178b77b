//! Opens directories from a held one, through no symbolic link, and where asked across no mount (openat2(2)).

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const PIN: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const NO_LINKS: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The directory of this relative path; mounts on the way are entered, links are not (`LOOP`).
pub(crate) fn across_mounts(base: impl AsFd, path: &str) -> Result<OwnedFd, Errno> {
    open(base.as_fd(), path.as_bytes(), false, DIRECTORY, plain_openat2)
}

/// The directory of this relative path on the same mount (`XDEV` else), through no link (`LOOP` or `NOTDIR`).
pub(crate) fn same_mount(base: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    open(base.as_fd(), path, true, DIRECTORY, plain_openat2)
}

/// The same without a trace in the directory's access time, where the kernel allows that: to its owner, and to root.
pub(crate) fn same_mount_unseen(base: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    match open(base.as_fd(), path, true, DIRECTORY | OFlags::NOATIME, plain_openat2) {
        Err(Errno::PERM) => same_mount(base, path),
        other => other,
    }
}

/// A descriptor that only holds what has this name, also a link; opens nothing, and is no mount (`XDEV`).
pub(crate) fn pin(base: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    open(base.as_fd(), name, true, PIN, plain_openat2)
}

/// A file for reading, through no link and on the same mount. Whether it is a file is the caller's to see; nothing is waited for.
pub(crate) fn file(base: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    open(base.as_fd(), name, true, FILE, plain_openat2)
}

type Openat2 = fn(BorrowedFd<'_>, &[u8], OFlags, ResolveFlags) -> Result<OwnedFd, Errno>;

fn plain_openat2(
    base: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    how: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    openat2(base, path, flags, Mode::empty(), how)
}

fn open(
    base: BorrowedFd<'_>,
    path: &[u8],
    one_mount: bool,
    flags: OFlags,
    openat2: Openat2,
) -> Result<OwnedFd, Errno> {
    let how = if one_mount { NO_LINKS | ResolveFlags::NO_XDEV } else { NO_LINKS };
    match openat2(base, path, flags, how) {
        Err(Errno::NOSYS) => by_steps(base, path, one_mount, flags),
        // A rename elsewhere on the system while the kernel looked: it asks for another attempt.
        Err(Errno::AGAIN) => openat2(base, path, flags, how),
        other => other,
    }
}

/// The same on kernels before 5.6: one name at a time, and the mounts compared.
fn by_steps(base: BorrowedFd<'_>, path: &[u8], one_mount: bool, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mount = mount_id(base)?;
    let mut at = base.try_clone_to_owned().map_err(|_| Errno::MFILE)?;
    for name in path.split(|byte| *byte == b'/') {
        if matches!(name, b"" | b"." | b"..") {
            return Err(Errno::XDEV);
        }
        at = openat(&at, name, flags, Mode::empty())?;
        if one_mount && mount_id(at.as_fd())? != mount {
            return Err(Errno::XDEV);
        }
    }
    Ok(at)
}

/// `mnt_id` of `/proc/self/fdinfo` (`proc_pid_fdinfo(5)`).
fn mount_id(fd: BorrowedFd<'_>) -> Result<u64, Errno> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()));
    let info = info.map_err(|_| Errno::NOSYS)?;
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:"));
    id.and_then(|id| id.trim().parse().ok()).ok_or(Errno::NOSYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// As an old kernel answers.
    fn absent(_: BorrowedFd<'_>, _: &[u8], _: OFlags, _: ResolveFlags) -> Result<OwnedFd, Errno> {
        Err(Errno::NOSYS)
    }

    #[test]
    fn links_files_parents_and_other_mounts_are_refused_on_new_and_old_kernels() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("a/b")).unwrap();
        fs::write(tree.path().join("file"), "").unwrap();
        symlink("/etc", tree.path().join("etc")).unwrap();
        symlink("a", tree.path().join("relative")).unwrap();
        let base = fs::File::open(tree.path()).unwrap();
        let root = fs::File::open("/").unwrap();
        for way in [plain_openat2 as Openat2, absent] {
            let opens = |path: &str| open(base.as_fd(), path.as_bytes(), true, DIRECTORY, way).map(|_| ());
            assert_eq!(opens("a/b"), Ok(()));
            assert!(matches!(opens("etc"), Err(Errno::LOOP | Errno::NOTDIR)));
            assert!(matches!(opens("relative/b"), Err(Errno::LOOP | Errno::NOTDIR)));
            assert_eq!(opens("file"), Err(Errno::NOTDIR));
            let pins = |path: &str| open(base.as_fd(), path.as_bytes(), true, PIN, way).map(|_| ());
            assert_eq!((pins("etc"), pins("file"), pins("a")), (Ok(()), Ok(()), Ok(())));
            assert_eq!(open(root.as_fd(), b"proc", true, PIN, way).map(|_| ()), Err(Errno::XDEV));
            assert_eq!(opens("../etc"), Err(Errno::XDEV));
            assert_eq!(open(root.as_fd(), b"proc", true, DIRECTORY, way).map(|_| ()), Err(Errno::XDEV));
            assert!(open(root.as_fd(), b"proc", false, DIRECTORY, way).is_ok());
        }
    }
}
