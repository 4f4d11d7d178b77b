//! `--domain NAME`: the socket of a libvirt domain's channel, without a hub.
//!
//! libvirt makes it in a directory named by the domain's number, which changes with each start, and its name, of which it
//! takes the first 20 bytes (`virDomainDefGetShortName`). Where the domain's XML gives the path itself, the one of
//! docs/operations.md is looked for.

use super::error::CliError;
use crate::client::Bulk;
use std::fs;
use std::path::{Path, PathBuf};

/// Where libvirt makes channels: versions from 10.0 on, and older ones.
const DIRECTORIES: [&str; 2] = ["run/libvirt/qemu/channel", "var/lib/libvirt/qemu/channel/target"];
/// Where operators give it a path that stays the same from one start to the next: `NAME.org.infinibay.agent.sock`.
const FIXED: &str = "var/lib/libvirt/qemu";
/// Bytes of a domain's name that libvirt takes into the path.
const SHORT_NAME_BYTES: usize = 20;
/// How the channel's name begins; a number may follow.
const CHANNEL: &str = "org.infinibay.agent";

/// The domain's socket.
pub(super) fn socket(name: &str) -> Result<PathBuf, CliError> {
    of(Path::new("/"), name)
}

fn of(root: &Path, name: &str) -> Result<PathBuf, CliError> {
    let mut found = Vec::new();
    let mut unreadable = None;
    for directory in DIRECTORIES.map(|directory| root.join(directory)) {
        match fs::read_dir(&directory) {
            Ok(entries) => {
                let paths = entries.flatten().map(|entry| entry.path());
                found.extend(paths.filter(|path| is_of(path, name)).filter_map(|path| channel(&path)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => unreadable = Some(format!("cannot read {}: {error}", directory.display())),
        }
    }
    if name.len() >= SHORT_NAME_BYTES && !found.is_empty() {
        return Err(CliError::Usage(format!(
            "libvirt shortens names to {SHORT_NAME_BYTES} characters, so that this may be another domain's channel: look it up \
             with virsh dumpxml {name:?}, and give it with --socket; there is {}",
            found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        )));
    }
    if found.is_empty() {
        found.extend(fixed(root, name));
    }
    match (found.as_slice(), unreadable) {
        ([one], _) => Ok(one.clone()),
        ([], Some(unreadable)) => Err(CliError::Failed(unreadable + "; run as root")),
        ([], None) => Err(CliError::Failed(format!(
            "no running domain {name:?} of libvirt's has a channel {CHANNEL}; virsh list shows those that run"
        ))),
        (several, _) => Err(CliError::Usage(format!(
            "{} channels have this name; give one with --socket: {}",
            several.len(),
            several.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// Whether a directory is of the domain: `domain-3-web-017`, or in newer versions `3-web-017`.
fn is_of(path: &Path, name: &str) -> bool {
    let Some(directory) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let number_and_name = directory.strip_prefix("domain-").unwrap_or(directory).split_once('-');
    let short = name.get(..name.floor_char_boundary(SHORT_NAME_BYTES)).unwrap_or(name);
    number_and_name
        .is_some_and(|(number, own)| number.bytes().all(|byte| byte.is_ascii_digit()) && own == short)
}

/// The socket in the place that docs/operations.md proposes, named by the whole name.
fn fixed(root: &Path, name: &str) -> Option<PathBuf> {
    let path = root.join(FIXED).join(format!("{name}.{CHANNEL}.sock"));
    (!name.contains('/') && path.exists()).then_some(path)
}

fn channel(directory: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(directory).ok()?.flatten();
    let is_ours = |name: &str| name.starts_with(CHANNEL) && !Bulk::is_named(Path::new(name));
    entries.find(|entry| entry.file_name().to_str().is_some_and(is_ours)).map(|it| it.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(domains: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for domain in domains {
            let directory = root.path().join(domain);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("org.qemu.guest_agent.0"), "").unwrap();
            fs::write(directory.join("org.infinibay.agent.bulk"), "").unwrap();
            fs::write(directory.join("org.infinibay.agent"), "").unwrap();
        }
        root
    }

    #[test]
    fn a_domain_is_found_by_its_name_in_both_layouts() {
        let root =
            host(&["run/libvirt/qemu/channel/7-web", "var/lib/libvirt/qemu/channel/target/domain-12-web-2"]);
        let found = |name| of(root.path(), name).unwrap();
        assert!(found("web").ends_with("7-web/org.infinibay.agent"));
        assert!(found("web-2").ends_with("domain-12-web-2/org.infinibay.agent"));
    }

    #[test]
    fn a_name_that_libvirt_shortens_is_not_taken_for_anothers() {
        let root = host(&["run/libvirt/qemu/channel/1-customer-prod-webser"]);
        for name in ["customer-prod-webserver-02", "customer-prod-webser"] {
            let error = of(root.path(), name).unwrap_err();
            let told = matches!(&error, CliError::Usage(text) if text.contains("dumpxml") && text.contains("1-customer"));
            assert!(told, "{error:?}");
        }
    }

    #[test]
    fn a_path_that_stays_the_same_is_found_by_the_whole_name() {
        let root = tempfile::tempdir().unwrap();
        let sockets = root.path().join(FIXED);
        fs::create_dir_all(&sockets).unwrap();
        let name = "customer-prod-webserver-02";
        fs::write(sockets.join(format!("{name}.org.infinibay.agent.sock")), "").unwrap();
        assert!(of(root.path(), name).unwrap().ends_with(format!("{name}.org.infinibay.agent.sock")));
        for other in ["customer-prod-webser", "../qemu/customer-prod-webserver-02"] {
            assert!(of(root.path(), other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_domain_that_is_not_there_is_told() {
        let root = host(&["run/libvirt/qemu/channel/1-web"]);
        let error = of(root.path(), "db").unwrap_err();
        assert!(
            matches!(&error, CliError::Failed(text) if text.contains("\"db\"") && text.contains("virsh list")),
            "{error:?}"
        );
    }
}
