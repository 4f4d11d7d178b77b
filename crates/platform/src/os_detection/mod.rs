//! What operating system this is: distribution, kernel, virtualization, init system.
//!
//! Everything is read from files below a root, so that recorded trees of other machines can be tested; no program is run, and
//! no file is read without a bound.

#[cfg(target_arch = "x86_64")]
mod cpuid;
#[cfg(not(target_arch = "x86_64"))]
#[path = "no_cpuid.rs"]
mod cpuid;
#[cfg_attr(
    not(target_os = "windows"),
    allow(dead_code, reason = "compiled and tested everywhere, used on Windows")
)]
mod edition;
mod os_release;
#[cfg(not(target_os = "windows"))]
#[path = "elsewhere.rs"]
mod sys;
#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod sys;
mod virtualization;

pub use os_release::{OsRelease, fields};
pub(crate) use virtualization::Virtualization;

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What operating system this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsInfo {
    /// From os-release(5).
    pub release: OsRelease,
    /// `uname -r`.
    pub kernel_version: String,
    /// `uname -m`.
    pub architecture: String,
    /// Hypervisor and container, named as `systemd-detect-virt` names them.
    pub virtualization: Virtualization,
    /// What process 1 is.
    pub init: Init,
    /// machine-id(5): 32 hexadecimal digits; `None` where it is missing or not yet set.
    pub machine_id: Option<String>,
    /// The kernel's host name.
    pub hostname: String,
}

impl OsInfo {
    /// Reads everything below `root`: `/`, or a recorded tree. Never fails: what cannot be read is empty or unknown.
    pub fn detect(root: &Path) -> Self {
        if root == Path::new("/")
            && let Some(own) = sys::own()
        {
            return own;
        }
        // The processor's own word holds for this machine only, not for a recorded tree.
        let signature = if root == Path::new("/") { cpuid::hypervisor_signature() } else { None };
        Self::detect_with(root, signature)
    }

    /// Like [`OsInfo::detect`], with the hypervisor's signature from CPUID leaf 0x40000000 given.
    pub(crate) fn detect_with(root: &Path, signature: Option<[u8; 12]>) -> Self {
        let root = Root::new(root);
        let release = OsRelease::detect(&root);
        Self {
            kernel_version: root.line("proc/sys/kernel/osrelease").unwrap_or_default(),
            architecture: root.line("proc/sys/kernel/arch").unwrap_or_else(|| std::env::consts::ARCH.into()),
            virtualization: Virtualization::detect(&root, signature),
            init: Init::detect(&root),
            machine_id: machine_id(&root),
            hostname: root.line("proc/sys/kernel/hostname").unwrap_or_default(),
            release,
        }
    }
}

/// An image that was not yet booted says `uninitialized` or nothing.
fn machine_id(root: &Root) -> Option<String> {
    let found = root.line("etc/machine-id").or_else(|| root.line("var/lib/dbus/machine-id"))?;
    let valid = found.len() == 32 && found.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| found.to_ascii_lowercase())
}

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
    fn detect(root: &Root) -> Self {
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

/// No file read here is longer when it is what it should be.
const MAX_BYTES: u64 = 64 << 10;

/// The root of a machine's file system, or of a recorded tree.
struct Root(PathBuf);

impl Root {
    fn new(path: &Path) -> Self {
        Self(path.into())
    }

    /// Whether something is there; a dangling link is not.
    fn exists(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    fn is_dir(&self, path: &str) -> bool {
        self.0.join(path).is_dir()
    }

    /// The bytes of a regular file, at most 64 KiB of them; `None` when it is missing or cannot be read.
    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.0.join(path);
        // A FIFO left in a file's place would block the opening.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn text(&self, path: &str) -> Option<String> {
        self.bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first line without white space around it; `None` also where it is empty.
    fn line(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let line = text.lines().next()?.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
        (!line.is_empty()).then(|| line.into())
    }
}

#[cfg(test)]
mod tests;
