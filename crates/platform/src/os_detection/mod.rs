//! What operating system this is: distribution, kernel, virtualization, init system.
//!
//! Everything is read from files below a root, so that recorded trees of other machines can be tested; no program is run.

mod cpuid;
pub mod edition;
mod init;
mod os_release;
mod reader;
#[cfg(not(target_os = "windows"))]
#[path = "elsewhere.rs"]
mod sys;
#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod sys;
mod virtualization;

#[cfg(test)]
mod tests;

pub use init::Init;
pub use os_release::OsRelease;
pub use virtualization::Virtualization;

use reader::Root;
use std::path::Path;

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
    pub fn detect_with(root: &Path, signature: Option<[u8; 12]>) -> Self {
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
