//! What installs packages here.

use super::os_release::OsRelease;
use super::reader::Root;

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageManager {
    /// `apt-get` and `dpkg`.
    Apt,
    /// `dnf` and `rpm`.
    Dnf,
    /// `yum` and `rpm`, where there is no dnf.
    Yum,
    /// `zypper` and `rpm`.
    Zypper,
    /// Alpine's.
    Apk,
    /// Arch's.
    Pacman,
}

use PackageManager::{Apk, Apt, Dnf, Pacman, Yum, Zypper};

/// Each with its program, and the distributions (or their descendants) whose own it is. Dnf stands before yum,
/// which is a link to it where both are there.
const KNOWN: &[(PackageManager, &str, &[&str])] = &[
    (Apt, "apt-get", &["debian", "ubuntu"]),
    (Dnf, "dnf", &["fedora", "rhel", "centos"]),
    (Yum, "yum", &["fedora", "rhel", "centos"]),
    (Zypper, "zypper", &["suse", "opensuse", "sles"]),
    (Apk, "apk", &["alpine"]),
    (Pacman, "pacman", &["arch"]),
];

const DIRECTORIES: &[&str] = &["usr/bin", "bin", "usr/sbin", "sbin"];

impl PackageManager {
    /// The distribution's own where its program is there, else the first whose program is there: dnf can be
    /// installed on Debian, but its database is then empty.
    pub(super) fn detect(root: &Root, release: &OsRelease) -> Option<Self> {
        let present: Vec<_> = KNOWN.iter().filter(|(_, program, _)| is_present(root, program)).collect();
        let own =
            present.iter().find(|(_, _, families)| families.iter().any(|family| release.is_like(family)));
        own.or(present.first()).map(|(manager, _, _)| *manager)
    }

    /// As `PackageList` names it.
    pub fn name(self) -> &'static str {
        match self {
            Apt => "apt",
            Dnf => "dnf",
            Yum => "yum",
            Zypper => "zypper",
            Apk => "apk",
            Pacman => "pacman",
        }
    }
}

fn is_present(root: &Root, program: &str) -> bool {
    DIRECTORIES.iter().any(|directory| root.exists(&format!("{directory}/{program}")))
}
