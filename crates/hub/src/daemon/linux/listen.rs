//! The hub's own sockets.

use anyhow::{Context as _, Result, bail};
use infiniservice_platform::linux::accounts;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use tokio::net::{TcpListener, UnixListener};

/// Listens on a path. Only root may connect, and the members of the group, where one is named.
pub(super) fn unix(path: &Path, group: &str) -> Result<UnixListener> {
    let name = path.display();
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    }
    remove_stale(path)?;
    // Nobody may connect before the permissions are right.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = listener.with_context(|| format!("cannot listen on {name}"))?;
    if !group.is_empty() {
        chown(path, None, Some(gid(group)?))
            .with_context(|| format!("cannot give {name} to the group {group}"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    }
    Ok(listener)
}

/// Listens on an address, where there is one; `setting` is its name.
pub(super) async fn tcp(address: Option<SocketAddr>, setting: &str) -> Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    listener.map(Some).with_context(|| format!("cannot listen on {address} (`{setting}`)"))
}

/// Removes a socket that a hub left behind; one that is served by another stays.
fn remove_stale(path: &Path) -> Result<()> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_served) => bail!("another infinihub serves {}", path.display()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).with_context(|| format!("cannot remove the old {}", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// A group's number, by its name in `/etc/group` or as the number itself.
fn gid(group: &str) -> Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let gid = accounts::id_of(&fs::read("/etc/group").context("cannot read /etc/group")?, group);
    gid.with_context(|| format!("`group`: there is no group {group:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/hub.sock");
        drop(unix(&path, "").unwrap());
        let _serving = unix(&path, "").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(unix(&path, "").unwrap_err().to_string().contains("another infinihub"));
    }

    #[test]
    fn a_group_is_a_number_or_a_name() {
        assert_eq!(gid("12345").unwrap(), 12345);
        assert_eq!(gid("root").unwrap(), 0);
        assert!(gid("no-such-group").unwrap_err().to_string().contains("no-such-group"));
    }
}
