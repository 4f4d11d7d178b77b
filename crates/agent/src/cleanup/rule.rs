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
    /// Logs that were set aside, by the suffixes of logrotate(8).
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
    /// What was changed more recently stays.
    pub min_age: Duration,
    /// Which names.
    pub names: Names,
    /// An entry of the place goes or stays as a whole, by its own age: what was thrown into the trash.
    pub whole: bool,
}

impl Rule {
    /// Whether an entry last changed at `changed` is old enough. A time in the future is not, unless any age will do.
    pub fn is_old(&self, changed: SystemTime, now: SystemTime) -> bool {
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
/// Directories of /var/log whose owners rotate by rules of their own.
const KEPT_IN_LOGS: &[&str] = &["journal", "audit", "private"];
const COMPRESSED: &[&[u8]] = &[b".gz", b".xz", b".bz2", b".zst"];
/// Digits of a number of logrotate (`.1`), and of its `dateext` (`-20261123`, with time `-2026112300`).
const MAX_DIGITS: usize = 12;

impl Names {
    /// Whether a directory of this name is looked into; `depth` is 0 for the place's own entries.
    pub fn enters(self, depth: usize, name: &[u8]) -> bool {
        match self {
            Self::Temp => depth > 0 || !begins_with_one_of(name, KEPT_IN_TEMP),
            Self::RotatedLogs => depth > 0 || !KEPT_IN_LOGS.iter().any(|kept| kept.as_bytes() == name),
            Self::Own(_) => false,
            _ => true,
        }
    }

    /// Whether a file of this name may go.
    pub fn takes(self, depth: usize, name: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Temp => depth > 0 || !begins_with_one_of(name, KEPT_IN_TEMP),
            Self::RotatedLogs => is_rotated(name),
            Self::Ending(endings) => endings.iter().any(|ending| name.ends_with(ending.as_bytes())),
            Self::NoLocks => !is_lock(name),
            Self::NoDesktopIni => depth > 0 || !name.eq_ignore_ascii_case(b"desktop.ini"),
            Self::Own(forms) => depth == 0 && forms.iter().any(|form| has_form(name, *form)),
        }
    }

    /// Whether directories that were emptied go too.
    pub fn takes_directories(self) -> bool {
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

/// `syslog.1`, `syslog.2.gz`, `dnf.log-20261123`, `dnf.log-20261123.xz`, `Xorg.0.log.old`.
fn is_rotated(name: &[u8]) -> bool {
    let plain = COMPRESSED.iter().find_map(|ending| name.strip_suffix(*ending));
    if plain.is_some_and(|plain| !plain.is_empty()) {
        return true;
    }
    if name.strip_suffix(b".old").is_some_and(|rest| !rest.is_empty()) {
        return true;
    }
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, _) = name.split_at(name.len() - digits);
    match head.split_last() {
        Some((b'.', rest)) => !rest.is_empty() && (1..=MAX_DIGITS).contains(&digits),
        Some((b'-', rest)) => !rest.is_empty() && (8..=MAX_DIGITS).contains(&digits),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::days;
    use super::*;

    #[test]
    fn logs_that_are_written_stay_and_those_set_aside_go() {
        for name in
            ["syslog.1", "syslog.2.gz", "dnf.log-20261123", "a-2026112300.xz", "Xorg.0.log.old", "x.zst"]
        {
            assert!(Names::RotatedLogs.takes(0, name.as_bytes()), "{name}");
        }
        for name in
            ["syslog", "wtmp", "Xorg.0.log", "app-2.log", "app-2", ".gz", ".1", "1", "", "-20261123", "php8"]
        {
            assert!(!Names::RotatedLogs.takes(0, name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_journals_and_the_audit_logs_directories_are_left_to_their_owners() {
        assert!(!Names::RotatedLogs.enters(0, b"journal") && !Names::RotatedLogs.enters(0, b"audit"));
        assert!(Names::RotatedLogs.enters(0, b"apt") && Names::RotatedLogs.enters(1, b"journal"));
    }

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
