//! Files by which the machine is told from others: its id, its random seed, its leases.

use super::Made;
use crate::cleanup::beneath;
use rustix::fs::{AtFlags, Dir, unlinkat};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

/// More entries than any of these directories has.
const ENTRIES_MAX: usize = 10_000;

/// machine-id(5): an empty file is filled at boot. D-Bus keeps a copy, which is a link on most systems.
pub(super) fn machine_id(root: &Path) -> Made {
    let path = root.join("etc/machine-id");
    let copy = root.join("var/lib/dbus/machine-id");
    let emptied = truncate(&path).map_err(|error| format!("/etc/machine-id: {error}"))?;
    if fs::symlink_metadata(&copy).is_ok_and(|found| !found.is_symlink()) {
        let linked = fs::remove_file(&copy).and_then(|()| symlink("/etc/machine-id", &copy));
        linked.map_err(|error| format!("/var/lib/dbus/machine-id: {error}"))?;
    }
    match fs::read(&path) {
        Ok(text) if text.is_empty() => {
            let was = if emptied { "is empty now" } else { "was empty" };
            Ok(format!("/etc/machine-id {was}; the next boot makes a new one"))
        }
        Ok(_) => Err("/etc/machine-id is not empty after it was emptied".into()),
        Err(error) => Err(format!("/etc/machine-id: {error}")),
    }
}

/// Whether anything was in it. One that is not there is made: without it systemd takes the boot for the first one ever
/// (`ConditionFirstBoot=`), and presets change what is enabled.
fn truncate(path: &Path) -> io::Result<bool> {
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o444).custom_flags(nofollow);
    let file = options.open(path)?;
    let had = file.metadata()?.len() > 0;
    file.set_len(0)?;
    file.sync_all()?;
    Ok(had)
}

/// Where systemd, System V scripts and boot loaders keep it (systemd-random-seed.service(8), bootctl(1)).
const SEEDS: &[(&str, &[&str])] = &[
    ("var/lib/systemd", &["random-seed"]),
    ("var/lib/urandom", &["random-seed"]),
    ("var/lib/misc", &["random-seed"]),
    ("boot/loader", &["random-seed"]),
    ("boot/efi/loader", &["random-seed"]),
    ("efi/loader", &["random-seed"]),
];

/// Copies that begin with one seed would draw the same numbers.
pub(super) fn random_seed(root: &Path) -> Made {
    remove_all(root, SEEDS)
}

/// Leases, and what clients tell themselves by (DUID, keys). A name that begins with `*` is an ending.
const LEASES: &[(&str, &[&str])] = &[
    ("var/lib/dhcp", &["*.leases", "*.lease"]),
    ("var/lib/dhclient", &["*.leases", "*.lease"]),
    ("var/lib/dhcpcd", &["*.lease", "*.lease6", "duid", "secret"]),
    ("var/lib/dhcpcd5", &["*.lease", "*.lease6", "duid", "secret"]),
    ("etc", &["dhcpcd.duid", "dhcpcd.secret"]),
    ("var/lib/NetworkManager", &["*.lease", "secret_key"]),
    ("var/lib/wicked", &["*.xml"]),
    ("var/lib/connman", &["*.lease"]),
];

/// A copy that shows another's lease gets the other's address.
pub(super) fn dhcp_leases(root: &Path) -> Made {
    remove_all(root, LEASES)
}

fn remove_all(root: &Path, places: &[(&str, &[&str])]) -> Made {
    let base = File::open(root).map_err(|error| error.to_string())?;
    let mut removed = Vec::new();
    for (directory, names) in places {
        removed.extend(remove_in(&base, directory, |name| names.iter().any(|form| fits(form, name)))?);
        let left = remove_in(&base, directory, |name| names.iter().any(|form| fits(form, name)))?;
        if let Some(path) = left.first() {
            return Err(format!("{path} is there again after it was removed"));
        }
    }
    for (directory, names) in places {
        nothing_behind_links(root, directory, names)?;
    }
    Ok(if removed.is_empty() {
        "nothing was there".to_owned()
    } else {
        format!("removed {}", removed.join(", "))
    })
}

/// A directory that is reached only by a link, as where `/var` lies on another disk, is not emptied: the link may lead anywhere. What
/// is there belongs to this machine all the same.
fn nothing_behind_links(root: &Path, directory: &str, names: &[&str]) -> Result<(), String> {
    let told = |error: io::Error| format!("/{directory}: {error}");
    let entries = match fs::read_dir(root.join(directory)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(());
        }
        entries => entries.map_err(told)?,
    };
    for entry in entries.take(ENTRIES_MAX) {
        let entry = entry.map_err(told)?;
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_directory && names.iter().any(|form| fits(form, entry.file_name().as_bytes())) {
            let name = entry.file_name();
            return Err(format!(
                "/{directory}/{} was left: a link leads to it, and links are not followed",
                name.to_string_lossy()
            ));
        }
    }
    Ok(())
}

fn fits(form: &str, name: &[u8]) -> bool {
    match form.strip_prefix('*') {
        Some(ending) => name.ends_with(ending.as_bytes()) && name.len() > ending.len(),
        None => name == form.as_bytes(),
    }
}

/// Removes the files of a directory whose names are wanted; their paths. Links go themselves, and no directory does.
pub(super) fn remove_in(
    base: &File,
    directory: &str,
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<String>, String> {
    let told = |errno: Errno| format!("/{directory}: {}", io::Error::from(errno));
    let place = match beneath::across_mounts(base, directory) {
        // Not there, or behind a link.
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(Vec::new()),
        opened => opened.map_err(told)?,
    };
    let mut removed = Vec::new();
    for entry in Dir::read_from(&place).map_err(told)?.take(ENTRIES_MAX) {
        let entry = entry.map_err(told)?;
        let name = entry.file_name().to_bytes();
        if entry.file_type().is_dir() || !wanted(name) {
            continue;
        }
        let path = format!("/{directory}/{}", String::from_utf8_lossy(name));
        match unlinkat(&place, entry.file_name(), AtFlags::empty()) {
            Ok(()) => removed.push(path),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(format!("{path}: {}", io::Error::from(errno))),
        }
    }
    removed.sort();
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_that_is_reached_by_a_link_only_is_told_and_left() {
        let tree = tree(&[("disk/lib/systemd/random-seed", "seed")]);
        symlink("disk", tree.path().join("var")).expect("a link");
        let told = random_seed(tree.path()).expect_err("not nothing");
        assert_eq!(
            told,
            "/var/lib/systemd/random-seed was left: a link leads to it, and links are not followed"
        );
        fs::remove_file(tree.path().join("disk/lib/systemd/random-seed")).expect("removed");
        assert_eq!(random_seed(tree.path()).expect("made"), "nothing was there");
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        tree
    }

    #[test]
    fn the_machine_id_is_empty_afterwards_and_its_copy_is_a_link_to_it() {
        let tree = tree(&[("etc/machine-id", "0123\n"), ("var/lib/dbus/machine-id", "0123\n")]);
        assert!(machine_id(tree.path()).expect("made").contains("is empty now"));
        assert_eq!(fs::read(tree.path().join("etc/machine-id")).expect("read"), b"");
        let copy = fs::read_link(tree.path().join("var/lib/dbus/machine-id")).expect("a link");
        assert_eq!(copy, Path::new("/etc/machine-id"));
        assert!(machine_id(tree.path()).expect("again").contains("was empty"));
    }

    #[test]
    fn a_missing_machine_id_is_made_and_one_that_is_a_link_elsewhere_is_left() {
        let bare = tree(&[("etc/hostname", "a")]);
        machine_id(bare.path()).expect("made");
        assert_eq!(fs::read(bare.path().join("etc/machine-id")).expect("read"), b"");
        let linked = tree(&[("other", "kept"), ("etc/hostname", "a")]);
        symlink(linked.path().join("other"), linked.path().join("etc/machine-id")).expect("linked");
        assert!(machine_id(linked.path()).is_err());
        assert_eq!(fs::read(linked.path().join("other")).expect("read"), b"kept");
    }

    #[test]
    fn leases_and_seeds_go_and_their_neighbours_stay() {
        let tree = tree(&[
            ("var/lib/dhcp/dhclient.eth0.leases", "lease {}"),
            ("var/lib/dhcp/README", "kept"),
            ("var/lib/dhcpcd/duid", "00:01"),
            ("var/lib/NetworkManager/internal-1-eth0.lease", ""),
            ("var/lib/NetworkManager/secret_key", "k"),
            ("var/lib/NetworkManager/NetworkManager.state", "kept"),
            ("var/lib/systemd/random-seed", "s"),
            ("var/lib/systemd/timers/kept", ""),
        ]);
        let told = dhcp_leases(tree.path()).expect("made");
        assert!(told.contains("/var/lib/dhcp/dhclient.eth0.leases") && told.contains("duid"), "{told}");
        assert_eq!(random_seed(tree.path()).as_deref(), Ok("removed /var/lib/systemd/random-seed"));
        for kept in ["dhcp/README", "NetworkManager/NetworkManager.state", "systemd/timers/kept"] {
            assert!(tree.path().join("var/lib").join(kept).exists(), "{kept}");
        }
        assert!(!tree.path().join("var/lib/NetworkManager/secret_key").exists());
        assert_eq!(dhcp_leases(tree.path()).as_deref(), Ok("nothing was there"));
    }

    #[test]
    fn a_directory_that_is_a_link_is_not_followed() {
        let tree = tree(&[("elsewhere/a.leases", "kept"), ("var/lib/x", "")]);
        symlink(tree.path().join("elsewhere"), tree.path().join("var/lib/dhcp")).expect("linked");
        let told = dhcp_leases(tree.path()).expect_err("what is there is not gone");
        assert!(told.starts_with("/var/lib/dhcp/a.leases was left"), "{told}");
        assert!(tree.path().join("elsewhere/a.leases").exists());
    }
}
