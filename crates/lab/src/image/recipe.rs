//! What an image is made from, and the key under which it is cached.

use anyhow::Result;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::overlay::{COMMON, Entry};
use crate::apt::Distribution;

/// Counted up when the way an image is built changes in a manner that the recipe's fields do not show.
const BUILD_VERSION: u32 = 1;

/// Packages on top of `mmdebstrap`'s minbase: a system as an ordinary server has it, and what the tests drive.
pub const PACKAGES: &[&str] = &[
    "createrepo-c",
    "dbus",
    "dnf",
    "iproute2",
    "kmod",
    "libnss-systemd",
    "procps",
    "python3-minimal",
    "qemu-guest-agent",
    "rpm",
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "tiny-initramfs",
    "udev",
    "zypper",
];

/// Scripts that are run in the finished tree, each with one argument: they make the repositories of the package tests, which
/// an emulated machine would take minutes for.
pub const SCRIPTS: &[(&str, &str)] = &[
    (include_str!("apt-repository.sh"), "/srv/lab/apt"),
    (include_str!("rpm-repository.sh"), "/srv/lab/rpm"),
];

/// Everything that decides what is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe {
    /// The variant's name, which starts the cached image's name.
    pub name: &'static str,
    /// The release to install, the host's own: its apt has the mirrors and keys for that.
    pub suite: String,
    /// Debian's name of the architecture.
    pub architecture: &'static str,
    /// Packages beyond the minimal system.
    pub packages: Vec<&'static str>,
    /// Files and links laid over the packages.
    pub overlay: Vec<Entry>,
    /// Shell scripts run in the tree at last, each with its argument.
    pub scripts: Vec<(&'static str, &'static str)>,
    /// Size of the disk in MiB; the file is sparse.
    pub disk_mib: u32,
    build_version: u32,
}

impl Recipe {
    /// The Debian machine, of the same release as the host.
    pub fn debian() -> Result<Self> {
        Ok(Self::for_host(&Distribution::of_host()?))
    }

    fn for_host(host: &Distribution) -> Self {
        let mut packages = PACKAGES.to_vec();
        packages.push(if host.id == "ubuntu" { "linux-image-virtual" } else { "linux-image-cloud-amd64" });
        Self {
            name: "debian",
            suite: host.codename.clone(),
            architecture: "amd64",
            packages,
            overlay: COMMON.to_vec(),
            scripts: SCRIPTS.to_vec(),
            disk_mib: 4096,
            build_version: BUILD_VERSION,
        }
    }

    /// The name of the image in the cache: the variant and a hash of all that it is made from.
    pub fn key(&self) -> Result<String> {
        let digest = Sha256::digest(serde_json::to_vec(self)?);
        let hash = digest.iter().take(8).fold(0, |hash: u64, byte| hash << 8 | u64::from(*byte));
        Ok(format!("{}-{hash:016x}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe::for_host(&Distribution { id: "debian".to_owned(), codename: "bookworm".to_owned() })
    }

    #[test]
    fn the_key_is_stable_and_names_the_variant() {
        let key = recipe().key().unwrap();
        assert_eq!(key, recipe().key().unwrap());
        assert!(key.starts_with("debian-") && key.len() == "debian-".len() + 16, "{key}");
    }

    #[test]
    fn every_ingredient_changes_the_key() {
        let changes: [fn(&mut Recipe); 7] = [
            |recipe| recipe.suite = "trixie".to_owned(),
            |recipe| recipe.architecture = "arm64",
            |recipe| recipe.packages.push("psmisc"),
            |recipe| recipe.overlay.push(Entry::File("etc/motd", "")),
            |recipe| recipe.scripts.push(("true", "")),
            |recipe| recipe.disk_mib += 1,
            |recipe| recipe.build_version += 1,
        ];
        for change in changes {
            let mut other = recipe();
            change(&mut other);
            assert_ne!(other.key().unwrap(), recipe().key().unwrap(), "{other:?}");
        }
    }

    #[test]
    fn ubuntu_has_its_own_kernel_package() {
        let ubuntu =
            Recipe::for_host(&Distribution { id: "ubuntu".to_owned(), codename: "noble".to_owned() });
        assert!(ubuntu.packages.contains(&"linux-image-virtual"));
    }
}
