//! The package managers, one line each, and which of them a system has.

use super::{Apt, Dnf, PackageManager, Zypper};
use infiniservice_platform::os_detection::{OsInfo, OsRelease};
use std::path::Path;

type Open = fn() -> Box<dyn PackageManager>;

/// Each with its program, and the distributions (or their descendants) whose own it is. One that the agent cannot drive has
/// its line, too: where it is the system's own, no other is taken for it. Dnf stands before yum, which is a link to it where
/// both are there.
const TABLE: &[(&str, &[&str], Option<Open>)] = &[
    ("apt-get", &["debian", "ubuntu"], Some(|| Box::new(Apt))),
    ("dnf", &["fedora", "rhel", "centos"], Some(|| Box::new(Dnf))),
    ("yum", &["fedora", "rhel", "centos"], None),
    ("zypper", &["suse", "opensuse", "sles"], Some(|| Box::new(Zypper))),
    ("apk", &["alpine"], None),
    ("pacman", &["arch"], None),
];

/// Windows has its own, which is looked for where only administrators may have put it.
const ELSEWHERE: &str = "winget";

const DIRECTORIES: [&str; 4] = ["usr/bin", "bin", "usr/sbin", "sbin"];

/// The one that the system below `root` has; `None` where there is none that the agent can drive.
pub(super) fn detect(root: &Path) -> Option<Box<dyn PackageManager>> {
    Some(of(root, &OsInfo::detect(root).release)?())
}

/// The distribution's own where its program is there, else the first whose program is there: dnf can be installed on
/// Debian, but its database is then empty.
fn of(root: &Path, release: &OsRelease) -> Option<Open> {
    let present: Vec<_> = TABLE.iter().filter(|(program, ..)| is_present(root, program)).collect();
    let own = present.iter().find(|(_, families, _)| families.iter().any(|family| release.is_like(family)));
    own.or(present.first()).and_then(|(.., open)| *open)
}

fn is_present(root: &Path, program: &str) -> bool {
    DIRECTORIES.iter().any(|directory| root.join(directory).join(program).exists())
}

/// The names of all that the agent can drive, on whatever platform, for a sentence.
pub(crate) fn names() -> String {
    let names: Vec<_> = TABLE.iter().filter_map(|(.., open)| Some((*open)?().name())).collect();
    format!("{} or {ELSEWHERE}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const PROGRAMS: [&str; 6] =
        ["usr/bin/apt-get", "usr/bin/dnf", "usr/bin/yum", "usr/bin/zypper", "sbin/apk", "usr/bin/pacman"];

    /// The name of what a system with this os-release(5) and these programs installs packages by.
    fn found(release: &str, programs: &[&str]) -> Option<&'static str> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in programs.iter().map(|path| (*path, "")).chain([("etc/os-release", release)]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        detect(root.path()).map(|manager| manager.name())
    }

    #[test]
    fn each_distribution_has_its_own_although_all_are_installed() {
        for (release, want) in [
            ("ID=debian\n", Some("apt")),
            ("ID=ubuntu\nID_LIKE=debian\n", Some("apt")),
            ("ID=fedora\n", Some("dnf")),
            ("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n", Some("dnf")),
            ("ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n", Some("zypper")),
            ("ID=alpine\n", None),
            ("ID=arch\n", None),
            ("ID=unheard-of\n", Some("apt")),
        ] {
            assert_eq!(found(release, &PROGRAMS), want, "{release}");
        }
    }

    #[test]
    fn a_foreign_one_is_used_only_where_the_own_is_absent_and_yum_is_not_dnf() {
        assert_eq!(found("ID=debian\n", &["usr/bin/dnf", "usr/bin/apt-get"]), Some("apt"));
        assert_eq!(found("ID=debian\n", &["usr/bin/dnf"]), Some("dnf"));
        assert_eq!(found("ID=centos\n", &["usr/bin/yum"]), None);
        assert_eq!(found("ID=debian\n", &[]), None);
    }

    #[test]
    fn a_sentence_names_all() {
        assert_eq!(names(), "apt, dnf, zypper or winget");
    }
}
