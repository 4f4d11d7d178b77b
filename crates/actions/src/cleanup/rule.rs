//! What of a directory may go: by age, and by name.

use std::time::{Duration, SystemTime};

/// Which entries of a place, by their names as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "some are of one platform only")]
pub(super) enum Names {
    /// All.
    All,
    /// All but what running programs and systemd keep in temporary directories.
    Temp,
    /// Logs that were set aside; their directory says which.
    RotatedLogs,
    /// Files that end so.
    Ending(&'static [&'static str]),
    /// All but lock and pid files.
    NoLocks,
    /// All but the file by which Explorer knows a recycle bin.
    NoDesktopIni,
    /// Files of the place itself that begin and end so, in any case of letters.
    Own(&'static [(&'static str, &'static str)]),
}

/// How one place is cleaned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// What was used more recently stays.
    pub min_age: Duration,
    /// Which names.
    pub names: Names,
    /// An entry of the place goes or stays as a whole, by its own age: what was thrown into the trash.
    pub whole: bool,
}

impl Rule {
    /// Whether an entry last used at `changed` is old enough. A time in the future is not, unless any age will do.
    pub(super) fn is_old(&self, changed: SystemTime, now: SystemTime) -> bool {
        self.min_age.is_zero() || now.duration_since(changed).is_ok_and(|age| age >= self.min_age)
    }
}

/// Beginnings of names directly in /tmp and /var/tmp that are never touched: private directories of services, and what
/// systemd's own x11.conf, containers.conf and snapd's tmpfiles exclude.
const KEPT_IN_TEMP: &[&str] = &[
    "systemd-private-",
    "snap-private-tmp",
    "snap.",
    "podman-run-",
    "containers-user-",
    ".X",
    ".ICE-unix",
    ".font-unix",
];
impl Names {
    /// Whether a directory of this name is looked into; `depth` is 0 for the place's own entries.
    pub(super) fn enters(self, depth: usize, name: &[u8]) -> bool {
        match self {
            Self::Temp => depth > 0 || !begins_with_one_of(name, KEPT_IN_TEMP),
            Self::Own(_) => false,
            _ => true,
        }
    }

    /// Whether a file of this name may go.
    pub(super) fn takes(self, depth: usize, name: &[u8]) -> bool {
        match self {
            Self::All | Self::RotatedLogs => true,
            Self::Temp => depth > 0 || !begins_with_one_of(name, KEPT_IN_TEMP),
            Self::Ending(endings) => endings.iter().any(|ending| name.ends_with(ending.as_bytes())),
            Self::NoLocks => !is_lock(name),
            Self::NoDesktopIni => depth > 0 || !name.eq_ignore_ascii_case(b"desktop.ini"),
            Self::Own(forms) => depth == 0 && forms.iter().any(|form| has_form(name, *form)),
        }
    }

    /// Whether directories that were emptied go too.
    pub(super) fn takes_directories(self) -> bool {
        !matches!(self, Self::RotatedLogs | Self::Ending(_) | Self::Own(_))
    }
}

fn begins_with_one_of(name: &[u8], beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| name.starts_with(beginning.as_bytes()))
}

fn has_form(name: &[u8], (begin, end): (&str, &str)) -> bool {
    let name = name.to_ascii_lowercase();
    name.len() >= begin.len() + end.len()
        && name.starts_with(begin.to_ascii_lowercase().as_bytes())
        && name.ends_with(end.to_ascii_lowercase().as_bytes())
}

fn is_lock(name: &[u8]) -> bool {
    [&b"lock"[..], b".lock", b".pid", b"kexec_cmd"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::super::days;
    use super::*;

    #[test]
    fn what_services_and_x_keep_in_tmp_stays_and_only_directly_there() {
        for name in ["systemd-private-9-ntp.service-x", ".X11-unix", ".X0-lock", ".ICE-unix", "snap.lxd"] {
            assert!(
                !Names::Temp.enters(0, name.as_bytes()) && !Names::Temp.takes(0, name.as_bytes()),
                "{name}"
            );
        }
        assert!(Names::Temp.enters(1, b".X11-unix") && Names::Temp.takes(0, b"build.log"));
    }

    #[test]
    fn age_counts_from_the_last_change_and_the_future_is_never_old() {
        let rule = Rule { min_age: days(3), names: Names::All, whole: false };
        let now = SystemTime::UNIX_EPOCH + days(100);
        assert!(rule.is_old(SystemTime::UNIX_EPOCH + days(97), now));
        assert!(!rule.is_old(SystemTime::UNIX_EPOCH + days(98), now));
        assert!(!rule.is_old(SystemTime::UNIX_EPOCH + days(101), now));
        let any = Rule { min_age: Duration::ZERO, ..rule };
        assert!(any.is_old(SystemTime::UNIX_EPOCH + days(101), now));
    }
}
