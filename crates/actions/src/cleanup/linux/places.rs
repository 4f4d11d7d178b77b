//! Where on Linux a target lies.

use crate::cleanup::Target;
use crate::cleanup::rule::Names;

/// A directory of the system whose entries a target removes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Below the root, without a leading slash.
    pub path: &'static str,
    /// Age from which entries are removed when none is asked for, in days.
    pub days: u32,
    /// Which of them.
    pub names: Names,
    /// A file that the owner of the directory locks while it works there (`fcntl(2)`), in the directory.
    pub lock: Option<&'static str>,
}

const fn place(path: &'static str, days: u32, names: Names) -> Place {
    Place { path, days, names, lock: None }
}

/// Ages of tmp.conf (tmpfiles.d(5)) as systemd ships it.
const TEMP: &[Place] = &[place("tmp", 10, Names::Temp), place("var/tmp", 30, Names::Temp)];
const LOGS: &[Place] = &[place("var/log", 30, Names::RotatedLogs)];
const PACKAGE_CACHE: &[Place] = &[
    Place { lock: Some("lock"), ..place("var/cache/apt/archives", 0, Names::Ending(&[".deb"])) },
    place("var/cache/dnf", 0, Names::NoLocks),
    place("var/cache/libdnf5", 0, Names::NoLocks),
    place("var/cache/yum", 0, Names::NoLocks),
    place("var/cache/zypp/packages", 0, Names::Ending(&[".rpm"])),
    place("var/cache/pacman/pkg", 0, Names::Ending(&[".pkg.tar.zst", ".pkg.tar.xz", ".sig", ".part"])),
];
const CRASH_DUMPS: &[Place] =
    &[place("var/crash", 7, Names::NoLocks), place("var/lib/systemd/coredump", 7, Names::NoLocks)];

/// A target's directories outside of homes.
pub(super) const fn of(target: Target) -> &'static [Place] {
    match target {
        Target::Temp => TEMP,
        Target::Logs => LOGS,
        Target::PackageCache => PACKAGE_CACHE,
        Target::CrashDumps => CRASH_DUMPS,
        Target::Thumbnails | Target::Trash => &[],
    }
}
