//! What an image is made from, and the key under which it is cached.

use anyhow::{Context, Result};
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

/// A domain controller of Samba, and what a machine needs to become a member of its domain: one image for both. Not the
/// programs of the package tests, nor an early user space, as it has no kernel.
const DOMAIN_PACKAGES: &[&str] = &[
    "adcli",
    "dbus",
    "iproute2",
    "krb5-user",
    "libnss-sss",
    "libnss-systemd",
    "libpam-sss",
    "polkitd",
    "procps",
    "realmd",
    "samba",
    "samba-ad-provision",
    "samba-dsdb-modules",
    "samba-vfs-modules",
    "sssd",
    "sssd-tools",
    "systemd",
    "systemd-sysv",
    "udev",
    "winbind",
];

/// Samba's services: which of them a machine is to be is its test's to say. sssd fails before it is configured.
const DOMAIN_OVERLAY: &[Entry] = &[
    Entry::Link("etc/systemd/system/nmbd.service", "/dev/null"),
    Entry::Link("etc/systemd/system/smbd.service", "/dev/null"),
    Entry::Link("etc/systemd/system/winbind.service", "/dev/null"),
    Entry::File(
        "etc/systemd/system/samba-ad-dc.service.d/lab.conf",
        "[Unit]\nConditionPathExists=/etc/lab-controller\n",
    ),
    Entry::File("etc/realmd.conf", "[service]\nautomatic-install = no\n"),
];

/// Names another release of Debian than the host's, for systems that need no kernel of their own.
pub const RELEASE_VARIABLE: &str = "INFINISERVICE_LAB_RELEASE";
/// What makes the early user space, of those packages.
const EARLY_USER_SPACE: &str = "tiny-initramfs";
/// Those releases, with their images' names.
const OTHER_RELEASES: &[(&str, &str)] =
    &[("bullseye", "debian11"), ("bookworm", "debian12"), ("trixie", "debian13")];

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

    /// What a system without a kernel of its own has: the machine's, or the release that the environment asks for.
    pub fn without_kernel() -> Result<Self> {
        match std::env::var(RELEASE_VARIABLE) {
            Ok(release) if !release.is_empty() => Self::of_release(&release),
            _ => Self::debian(),
        }
    }

    fn of_release(release: &str) -> Result<Self> {
        let known = OTHER_RELEASES.iter().find(|(codename, _)| *codename == release);
        let (codename, name) =
            known.with_context(|| format!("{RELEASE_VARIABLE}: no release `{release}`"))?;
        let host = Distribution { id: "debian".to_owned(), codename: (*codename).to_owned() };
        let mut recipe = Self { name, ..Self::for_host(&host) };
        recipe.packages.retain(|package| !is_kernel(package) && *package != EARLY_USER_SPACE);
        Ok(recipe)
    }

    /// A domain of Active Directory: its controller, and machines that join it.
    pub fn domain() -> Result<Self> {
        let mut recipe = Self { name: "domain", ..Self::debian()? };
        recipe.packages = DOMAIN_PACKAGES.to_vec();
        recipe.overlay.extend(DOMAIN_OVERLAY);
        recipe.scripts.clear();
        Ok(recipe)
    }

    /// Whether it has a kernel.
    pub(super) fn boots(&self) -> bool {
        self.packages.iter().any(|package| is_kernel(package))
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

fn is_kernel(package: &str) -> bool {
    package.starts_with("linux-image-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_release_has_an_image_of_its_own_without_a_kernel() {
        let trixie = Recipe::of_release("trixie").unwrap();
        assert!(trixie.key().unwrap().starts_with("debian13-") && trixie.suite == "trixie", "{trixie:?}");
        assert!(recipe().boots() && !trixie.boots());
        assert!(Recipe::of_release("sid").is_err());
    }

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
