//! Connections that outlive the hub: systemd keeps a copy of each descriptor, and gives them all to the next hub.
//!
//! A descriptor's name says to which socket it belongs, so that nothing else has to outlive a hub that is killed.

use super::handover::{self, Left};
use super::systemd::Systemd;
use infiniservice_platform::inherited_unsafe;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// Descriptors that are stored at most. systemd gives their names to the next hub in one variable, which the kernel takes up
/// to 128 KiB: eleven bytes for each name, and some room.
const MAX_STORED: usize = 10_000;
/// Bytes of the digest that names a descriptor.
const NAME_BYTES: usize = 5;
/// The name of the memory file with what the hub before knew.
pub(super) const STATE: &str = "state";

/// A connection that another hub began.
pub(super) struct Kept {
    pub(super) stream: UnixStream,
    /// What it knew; `None` after a crash.
    pub(super) left: Option<Left>,
}

/// The connections that systemd keeps.
pub(super) struct Store {
    systemd: Systemd,
    /// Of the hub before, by their names, until they are taken or given up.
    inherited: RefCell<HashMap<String, OwnedFd>>,
    left: RefCell<HashMap<String, Left>>,
    /// What is stored now: whose it is, by its name.
    stored: RefCell<HashMap<String, PathBuf>>,
    /// Orderly restarts in a row before this run.
    pub(super) restarts: u64,
}

impl Store {
    /// With what systemd gave to this process. Called before anything is opened.
    pub(super) fn from_environment() -> Self {
        let inherited = inherited();
        Self::new(Systemd::from_environment(), inherited)
    }

    fn new(systemd: Systemd, inherited: Vec<(String, OwnedFd)>) -> Self {
        let (states, inherited): (Vec<_>, Vec<_>) =
            inherited.into_iter().partition(|(name, _)| name == STATE);
        if !states.is_empty() {
            systemd.unstore(STATE);
        }
        // Read once: a hub that crashes from now on must not find what is not true any more.
        let taken: Vec<_> = states.into_iter().filter_map(|(_, state)| handover::take(state)).collect();
        let before = taken.into_iter().next_back();
        let (restarts, left) =
            before.map_or((0, HashMap::new()), |before| (before.restarts + 1, before.left));
        let inherited = RefCell::new(inherited.into_iter().collect());
        Self { systemd, inherited, left: RefCell::new(left), stored: RefCell::default(), restarts }
    }

    /// What the hub says to systemd beside this.
    pub(super) const fn systemd(&self) -> &Systemd {
        &self.systemd
    }

    /// The connection to this socket that another hub left, where the socket is still the same.
    pub(super) fn take(&self, path: &Path) -> Option<Kept> {
        let name = name_of(path).ok()?;
        let descriptor = self.inherited.borrow_mut().remove(&name)?;
        let left = self.left.borrow_mut().remove(&name);
        let stream = std::os::unix::net::UnixStream::from(descriptor);
        match stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream)) {
            Ok(stream) => {
                self.stored.borrow_mut().insert(name, path.to_owned());
                Some(Kept { stream, left })
            }
            Err(error) => {
                log::warn!("the kept connection to {} is not used: {error}", path.display());
                self.systemd.unstore(&name);
                None
            }
        }
    }

    /// Gives up what nobody has taken: its socket is gone, is another one, or is not wanted any more.
    pub(super) fn give_up_the_rest(&self) {
        for (name, descriptor) in self.inherited.borrow_mut().drain() {
            log::info!("a connection that the hub before had is given up: its socket is not there any more");
            self.systemd.unstore(&name);
            drop(descriptor);
        }
        self.left.borrow_mut().clear();
    }

    /// Lets systemd keep a connection that begins.
    pub(super) fn keep(&self, path: &Path, stream: impl AsFd) {
        if !self.systemd.is_there() {
            return;
        }
        let Ok(name) = name_of(path) else { return };
        let mut stored = self.stored.borrow_mut();
        if stored.len() >= MAX_STORED || stored.get(&name).is_some_and(|other| other != path) {
            log::warn!("{} is connected anew after a restart: the store has no place for it", path.display());
            return;
        }
        if self.systemd.store(&name, stream.as_fd()) {
            stored.insert(name, path.to_owned());
        } else {
            log::warn!("{} is connected anew after a restart: systemd does not take it", path.display());
        }
    }

    /// A connection has ended: systemd's copy would hold it open.
    pub(super) fn forget(&self, path: &Path) {
        let mut stored = self.stored.borrow_mut();
        stored.retain(|name, other| {
            let stays = other != path;
            if !stays {
                self.systemd.unstore(name);
            }
            stays
        });
    }

    /// How many descriptors systemd keeps.
    pub(super) fn len(&self) -> usize {
        self.stored.borrow().len()
    }

    /// Leaves what this hub knows of its connections to the next one; how many those are.
    pub(super) fn leave(&self, left: impl Iterator<Item = (PathBuf, Left)>) -> io::Result<usize> {
        if !self.systemd.is_there() {
            return Ok(0);
        }
        let stored = self.stored.borrow();
        let names: HashMap<&PathBuf, &String> = stored.iter().map(|(name, path)| (path, name)).collect();
        let left = left.filter_map(|(path, left)| Some(((*names.get(&path)?).clone(), left)));
        let (file, count) = handover::write(self.restarts, left)?;
        if self.systemd.store(STATE, file.as_fd()) { Ok(count) } else { Ok(0) }
    }
}

/// What systemd gave to this process, with its names.
fn inherited() -> Vec<(String, OwnedFd)> {
    match sd_notify::listen_fds_with_names() {
        Ok(given) => {
            let names: Vec<String> = given.map(|(_, name)| name).collect();
            let descriptors = inherited_unsafe::take(names.len());
            names.into_iter().zip(descriptors).collect()
        }
        Err(error) => {
            log::warn!("the connections of the hub before cannot be taken over: {error}");
            Vec::new()
        }
    }
}

/// The name of a connection to a socket: another one as soon as the path leads to another socket.
fn name_of(path: &Path) -> io::Result<String> {
    let facts = path.metadata()?;
    let mut digest = Sha256::new();
    digest.update(path.as_os_str().as_bytes());
    digest.update([0]);
    digest.update(facts.dev().to_ne_bytes());
    digest.update(facts.ino().to_ne_bytes());
    // A file system may give a number again at once.
    digest.update(facts.mtime().to_ne_bytes());
    digest.update(facts.mtime_nsec().to_ne_bytes());
    let digest = digest.finalize();
    let number = digest.iter().take(NAME_BYTES).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Ok(format!("{number:0width$x}", width = 2 * NAME_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_socket_in_the_place_of_another_has_another_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let name = name_of(&path).unwrap();
        assert_eq!((name_of(&path).unwrap(), name.len()), (name.clone(), 2 * NAME_BYTES));
        std::fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        assert_ne!(name_of(&path).unwrap(), name);
        drop(listener);
    }

    #[test]
    fn the_names_of_all_that_is_stored_fit_into_one_variable() {
        const MAX_ARG_STRLEN: usize = 128 << 10;
        let bytes = "LISTEN_FDNAMES=".len() + STATE.len() + 2 + MAX_STORED * (2 * NAME_BYTES + 1);
        assert!(bytes < MAX_ARG_STRLEN, "{bytes}");
    }
}
