//! What process 1 is.

use super::reader::Root;

/// The init system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// `/run/systemd/system` is there, see `sd_booted(3)`.
    Systemd,
    /// Alpine's, Gentoo's.
    OpenRc,
    /// Void's.
    Runit,
    /// `s6-svscan`.
    S6,
    /// `busybox init`, `/etc/inittab` and rc scripts.
    SysV,
    /// A container's own program, or one not known.
    Other,
}

impl Init {
    /// Reads what the running init left behind, then process 1's name.
    pub(super) fn detect(root: &Root) -> Self {
        if root.is_dir("run/systemd/system") {
            return Self::Systemd;
        }
        if root.is_dir("run/openrc") {
            return Self::OpenRc;
        }
        match root.line("proc/1/comm").as_deref() {
            Some("systemd") => Self::Systemd,
            Some("runit" | "runit-init") => Self::Runit,
            Some("s6-svscan") => Self::S6,
            Some("openrc-init") => Self::OpenRc,
            Some("init") if root.exists("etc/inittab") => Self::SysV,
            _ => Self::Other,
        }
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::OpenRc => "openrc",
            Self::Runit => "runit",
            Self::S6 => "s6",
            Self::SysV => "sysvinit",
            Self::Other => "unknown",
        }
    }
}
