//! sshd's host keys. They go only where something makes new ones at the next boot: a server without any lets nobody in.

use super::Made;
use super::files::remove_in;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

/// Units of distributions that make missing keys (Fedora, Red Hat, SUSE, Arch, Debian 13).
const MAKERS: &[&str] = &[
    "sshd-keygen.target",
    "sshd-keygen@.service",
    "sshd-keygen.service",
    "sshdgenkeys.service",
    "ssh-keygen.service",
];
const UNIT_DIRECTORIES: &[&str] =
    &["usr/lib/systemd/system", "lib/systemd/system", "etc/systemd/system", "usr/local/lib/systemd/system"];
const KEYGEN: &str = "usr/bin/ssh-keygen";
const UNITS: &str = "etc/systemd/system";
const OWN: &str = "infiniservice-ssh-host-keys.service";
/// `ssh-keygen -A` makes those that are missing (ssh-keygen(1)).
const UNIT: &str = "# Left by InfiniService when this machine was sealed: its host keys were removed, and are made anew here.\n\
[Unit]\n\
Description=Make the SSH host keys that are missing\n\
After=systemd-random-seed.service\n\
Before=ssh.service sshd.service ssh.socket sshd.socket\n\
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key\n\
\n\
[Service]\n\
Type=oneshot\n\
ExecStart=/usr/bin/ssh-keygen -A\n\
\n\
[Install]\n\
WantedBy=multi-user.target\n";

/// Removes the keys, once it is sure that there will be new ones.
pub(super) fn renew(root: &Path) -> Made {
    let base = File::open(root).map_err(|error| error.to_string())?;
    if !has_keys(root)? {
        return Ok("there are none".into());
    }
    let maker = maker(root)?;
    let removed = remove_in(&base, "etc/ssh", is_key)?;
    if has_keys(root)? {
        return Err("/etc/ssh holds host keys after they were removed".into());
    }
    Ok(format!("removed {}; {maker} makes new ones at the next boot", removed.join(", ")))
}

/// Host keys, their public halves and certificates (`sshd(8)`).
fn is_key(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"ssh_host_") else { return false };
    [&b"_key"[..], b"_key.pub", b"_key-cert.pub"].iter().any(|end| rest.ends_with(end))
}

/// An error where it is not known: then nothing may be said of keys.
fn has_keys(root: &Path) -> Result<bool, String> {
    let told = |error: io::Error| format!("/etc/ssh cannot be read: {error}");
    let entries = match fs::read_dir(root.join("etc/ssh")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(told)?,
    };
    for entry in entries {
        if is_key(entry.map_err(told)?.file_name().as_encoded_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What makes new keys: the distribution's own unit, or one that is put there now.
fn maker(root: &Path) -> Result<&'static str, String> {
    let is_there = |unit: &&&str| {
        UNIT_DIRECTORIES.iter().any(|directory| root.join(directory).join(unit).symlink_metadata().is_ok())
    };
    if let Some(unit) = MAKERS.iter().find(is_there) {
        return Ok(unit);
    }
    if !root.join(KEYGEN).is_file() {
        return Err(
            "the host keys were left: nothing makes new ones, as /usr/bin/ssh-keygen is missing".into()
        );
    }
    install(root).map_err(|error| format!("the host keys were left: {OWN} cannot be installed: {error}"))?;
    Ok(OWN)
}

fn install(root: &Path) -> io::Result<()> {
    let (unit, wants) = (root.join(UNITS).join(OWN), root.join(UNITS).join("multi-user.target.wants"));
    let fresh = unit.with_extension("new");
    let _none_is_left_over = fs::remove_file(&fresh);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&fresh)?;
    file.write_all(UNIT.as_bytes())?;
    file.sync_all()?;
    // The agent's own mask is narrower.
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(0o644))?;
    fs::rename(&fresh, &unit)?;
    fs::create_dir_all(&wants)?;
    match symlink(Path::new("/").join(UNITS).join(OWN), wants.join(OWN)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "ssh_host_rsa_key-cert.pub"];

    fn server() -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        for directory in ["etc/ssh", "etc/systemd/system", "usr/bin", "usr/lib/systemd/system"] {
            fs::create_dir_all(tree.path().join(directory)).expect("made");
        }
        for name in KEYS.iter().chain(&["sshd_config", "moduli"]) {
            fs::write(tree.path().join("etc/ssh").join(name), "x").expect("written");
        }
        tree
    }

    #[test]
    fn keys_go_where_the_distribution_makes_new_ones_and_nothing_else_does() {
        let tree = server();
        fs::write(tree.path().join("usr/lib/systemd/system/sshd-keygen.target"), "").expect("written");
        let told = renew(tree.path()).expect("made");
        assert!(told.contains("sshd-keygen.target"), "{told}");
        assert!(KEYS.iter().all(|key| !tree.path().join("etc/ssh").join(key).exists()));
        assert!(tree.path().join("etc/ssh/sshd_config").exists());
        assert!(!tree.path().join(UNITS).join(OWN).exists());
        assert_eq!(renew(tree.path()).as_deref(), Ok("there are none"));
    }

    #[test]
    fn keys_that_cannot_be_looked_for_are_not_called_absent() {
        let tree = tempfile::tempdir().expect("a directory");
        assert_eq!(renew(tree.path()).as_deref(), Ok("there are none"));
        fs::create_dir(tree.path().join("etc")).expect("made");
        fs::write(tree.path().join("etc/ssh"), "no directory").expect("written");
        let told = renew(tree.path()).expect_err("unknown");
        assert!(told.starts_with("/etc/ssh cannot be read: "), "{told}");
    }

    #[test]
    fn elsewhere_a_unit_that_makes_them_is_put_there_first() {
        let tree = server();
        fs::write(tree.path().join(KEYGEN), "").expect("written");
        assert!(renew(tree.path()).expect("made").contains(OWN));
        let link = tree.path().join(UNITS).join("multi-user.target.wants").join(OWN);
        assert_eq!(fs::read_link(link).expect("a link"), Path::new("/etc/systemd/system").join(OWN));
        assert!(
            fs::read_to_string(tree.path().join(UNITS).join(OWN)).expect("read").contains("ssh-keygen -A")
        );
    }

    #[test]
    fn without_anything_that_makes_new_ones_they_are_left() {
        let tree = server();
        assert!(renew(tree.path()).expect_err("left").contains("ssh-keygen is missing"));
        assert!(KEYS.iter().all(|key| tree.path().join("etc/ssh").join(key).exists()));
    }
}
