//! Files and links laid over the packages: what makes the machine boot fast and let us in.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// A file or link, by its path below the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Entry {
    /// A file of mode 0644 with this text.
    File(&'static str, &'static str),
    /// A file of mode 0755 with this text.
    Program(&'static str, &'static str),
    /// A symbolic link to this target.
    Link(&'static str, &'static str),
}

use Entry::{File, Link};

const MASKED: &str = "/dev/null";

/// What every machine gets. Timers that would start package work in the middle of a test are masked.
pub const COMMON: &[Entry] = &[
    File("etc/hostname", "lab\n"),
    File("etc/hosts", "127.0.0.1 localhost lab\n::1 localhost\n"),
    File("etc/machine-id", "uninitialized\n"),
    File("etc/fstab", "LABEL=payload /mnt/payload ext4 ro,nofail 0 0\n"),
    File("mnt/payload/.empty", ""),
    File("etc/systemd/journald.conf.d/lab.conf", "[Journal]\nStorage=volatile\n"),
    File(
        "etc/systemd/network/10-lab.network",
        "[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n",
    ),
    File(
        "etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf",
        "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 %I vt220\n",
    ),
    Link(
        "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "/lib/systemd/system/systemd-networkd.service",
    ),
    Link(
        "etc/systemd/system/sockets.target.wants/systemd-networkd.socket",
        "/lib/systemd/system/systemd-networkd.socket",
    ),
    Link("etc/systemd/system/apt-daily.timer", MASKED),
    Link("etc/systemd/system/apt-daily-upgrade.timer", MASKED),
    Link("etc/systemd/system/dpkg-db-backup.timer", MASKED),
    Link("etc/systemd/system/e2scrub_all.timer", MASKED),
    Link("etc/systemd/system/e2scrub_reap.service", MASKED),
    Link("etc/systemd/system/fstrim.timer", MASKED),
    Link("etc/systemd/system/getty@tty1.service", MASKED),
    Link("etc/systemd/system/systemd-networkd-wait-online.service", MASKED),
    // An early user space with nothing but the root disk's driver: ext4 is built into the kernel.
    File(
        "etc/tiny-initramfs/tiny-initramfs.conf",
        "AUTO_MODULES=no\nMICROCODE=no\nINCLUDE_MODULES=virtio_pci,virtio_blk\n",
    ),
];

/// Lays `entries` over the tree at `root`, replacing what is there.
pub fn apply(entries: &[Entry], root: &Path) -> Result<()> {
    for entry in entries {
        let (File(path, _) | Entry::Program(path, _) | Link(path, _)) = entry;
        place(entry, &root.join(path)).with_context(|| format!("cannot place {path}"))?;
    }
    Ok(())
}

fn place(entry: &Entry, path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path)?;
    }
    match entry {
        File(_, text) => fs::write(path, text)?,
        Entry::Program(_, text) => {
            fs::write(path, text)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        Link(_, target) => symlink(target, path)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_links_replace_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        symlink("/nowhere", dir.path().join("etc/a")).unwrap();
        fs::write(dir.path().join("etc/b"), "old").unwrap();
        let entries =
            [File("etc/a", "text"), Link("etc/b", MASKED), File("new/c", ""), Entry::Program("new/d", "")];
        apply(&entries, dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("etc/a")).unwrap(), "text");
        assert_eq!(fs::read_link(dir.path().join("etc/b")).unwrap(), Path::new(MASKED));
        let mode = |name: &str| dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("new/c") & 0o111, mode("new/d")], [0, 0o755]);
    }

    #[test]
    fn every_path_stays_below_the_root() {
        for File(path, _) | Entry::Program(path, _) | Link(path, _) in COMMON {
            assert!(!path.starts_with('/') && !path.contains(".."), "{path}");
        }
    }
}
