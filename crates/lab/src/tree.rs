//! The removal of a tree that an interrupted build may have left file systems of the host mounted in. A bind mount of `/dev` there
//! is the host's own, so what is mounted is unmounted first, and the removal goes into no mount that is left.

use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};

const MOUNTS: &str = "/proc/self/mountinfo";
/// Where a mount point stands in a line of it (proc(5)).
const MOUNT_POINT_FIELD: usize = 4;

/// Removes `dir` and all in it, but nothing of what is mounted below it. One that is not there is removed already.
pub fn remove(dir: &Path) -> Result<()> {
    match dir.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        told => ensure!(told?.is_dir(), "{} is no directory", dir.display()),
    }
    // The kernel tells mount points by their real paths.
    let dir = dir.canonicalize().with_context(|| dir.display().to_string())?;
    unmount_below(&dir)?;
    remove_within(&dir, mount_of(&dir)?)
}

fn unmount_below(dir: &Path) -> Result<()> {
    loop {
        let mounts = below(&fs::read(MOUNTS)?, dir);
        let Some(newest) = mounts.last() else { return Ok(()) };
        // With a shared one, what is mounted below its original would go as well. What others cover has its turn later.
        let left: Vec<_> = mounts.iter().filter(|place| make_private(place).is_err()).collect();
        ensure!(!left.contains(&newest), "cannot make {} private", newest.display());
        let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
        unmount(newest, flags).with_context(|| at("unmount", newest))?;
    }
}

fn make_private(place: &Path) -> rustix::io::Result<()> {
    mount_change(place, MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
}

fn at(what: &str, place: &Path) -> String {
    format!("cannot {what} {}", place.display())
}

/// The mount points below `dir`, in the kernel's order: the oldest first.
fn below(mounts: &[u8], dir: &Path) -> Vec<PathBuf> {
    let lines = mounts.split(|byte| *byte == b'\n');
    let points = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(MOUNT_POINT_FIELD));
    let places = points.map(|point| PathBuf::from(OsStr::from_bytes(&unescaped(point))));
    places.filter(|place| place != dir && place.starts_with(dir)).collect()
}

/// The kernel writes white space and backslashes as three octal digits.
fn unescaped(point: &[u8]) -> Vec<u8> {
    let mut parts = point.split(|byte| *byte == b'\\');
    let mut plain = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(3));
        plain.push(digits.iter().fold(0, |byte: u8, digit| byte << 3 | digit & 7));
        plain.extend(rest);
    }
    plain
}

/// The mount that a directory is on. Unlike the device's number it also tells bind mounts of one file system apart.
fn mount_of(dir: &Path) -> Result<u64> {
    let told = statx(CWD, dir, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID);
    let told = told.with_context(|| dir.display().to_string())?;
    ensure!(
        told.stx_mask & StatxFlags::MNT_ID.bits() != 0,
        "the kernel does not tell {}'s mount",
        dir.display()
    );
    Ok(told.stx_mnt_id)
}

fn remove_within(dir: &Path, mount: u64) -> Result<()> {
    ensure!(mount_of(dir)? == mount, "{} is a mount, and not removed", dir.display());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        remove_entry(&entry.path(), entry.file_type()?, mount)?;
    }
    fs::remove_dir(dir).with_context(|| at("remove", dir))
}

fn remove_entry(path: &Path, kind: FileType, mount: u64) -> Result<()> {
    if kind.is_dir() {
        return remove_within(path, mount);
    }
    fs::remove_file(path).with_context(|| at("remove", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// Set where the test runs in a mount namespace of its own.
    const INSIDE: &str = "LAB_TREE_TEST_INSIDE";

    /// Runs the named test once more where nothing that it mounts is seen by others; `false` in there, where it goes on.
    fn elsewhere(test: &str) -> bool {
        if std::env::var_os(INSIDE).is_some() {
            return false;
        }
        if !rustix::process::geteuid().is_root() {
            println!("left out: mounts need root");
            return true;
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").process_group(0);
        assert!(command.status().unwrap().success(), "{test}");
        true
    }

    fn sh(dir: &Path, script: &str) {
        let status = Command::new("sh").args(["-euc", script]).current_dir(dir).status().unwrap();
        assert!(status.success(), "{script}");
    }

    /// As `mmdebstrap` leaves it: the host's own directory bound, with what is mounted in it, file systems, and one file.
    const INTERRUPTED: &str = "mkdir -p host/sub image.partial/root/dev 'image.partial/root/a b'
        mount -t tmpfs host host; mount --make-shared host; mkdir host/sub; echo canary > host/canary
        mount -t tmpfs sub host/sub; echo canary > host/sub/canary
        mount --rbind host image.partial/root/dev
        mount -t tmpfs twice 'image.partial/root/a b'; mount -t tmpfs twice 'image.partial/root/a b'
        touch image.partial/root/null; mount --bind host/canary image.partial/root/null
        ln -s ../../host image.partial/root/link; ln -s host link; mkdir image.partialother; mount -t tmpfs o image.partialother";

    const LEFT: &str =
        "test canary = $(cat host/canary); test canary = $(cat host/sub/canary); mountpoint -q host/sub";

    #[test]
    fn what_an_interrupted_build_left_is_unmounted_and_the_hosts_own_stays() {
        if elsewhere("tree::tests::what_an_interrupted_build_left_is_unmounted_and_the_hosts_own_stays") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        sh(dir.path(), INTERRUPTED);
        assert!(remove(&dir.path().join("link")).is_err(), "a link is no tree");
        remove(&dir.path().join("image.partial")).unwrap();
        sh(dir.path(), LEFT);
        sh(
            dir.path(),
            "test ! -e image.partial; mountpoint -q image.partialother; umount image.partialother",
        );
        sh(dir.path(), "umount host/sub; umount host");
        remove(&dir.path().join("image.partial")).unwrap();
    }

    #[test]
    fn no_mount_that_is_left_is_entered() {
        if elsewhere("tree::tests::no_mount_that_is_left_is_entered") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        // Of the same file system, so that the device's number is the same.
        sh(
            dir.path(),
            "mkdir -p host partial/root/dev; echo > host/canary; mount --bind host partial/root/dev",
        );
        let partial = dir.path().join("partial");
        let error = remove_within(&partial, mount_of(&partial).unwrap()).unwrap_err().to_string();
        assert!(error.contains("partial/root/dev is a mount"), "{error}");
        sh(dir.path(), "test -e host/canary; umount partial/root/dev");
    }

    #[test]
    fn mount_points_are_those_below_and_no_others() {
        let mounts = b"1 0 8:1 / /lab rw - ext4 x rw\n2 1 0:3 / /lab/a\\040b/\\134 rw - tmpfs x rw\n3 1 0:4 / /labor rw\n\n4";
        assert_eq!(below(mounts, Path::new("/lab")), [Path::new("/lab/a b/\\")]);
    }
}
