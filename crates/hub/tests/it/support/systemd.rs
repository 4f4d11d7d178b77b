//! A stand-in for systemd: takes what the hub says, and keeps its descriptors as the store of the real one does.

use command_fds::FdMapping;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::collections::BTreeMap;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What the test says to it, in the same queue as the hub.
const ASKED: &str = "ASKED=1";

#[derive(Default)]
struct Heard {
    stored: Vec<(String, OwnedFd)>,
    texts: Vec<String>,
    /// How often the test has asked whether all is read.
    asked: u64,
}

/// What starts the hub and listens to it.
pub struct Systemd {
    path: PathBuf,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Systemd {
    pub fn new(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        let heard: Arc<(Mutex<Heard>, Condvar)> = Arc::default();
        let listens = Arc::clone(&heard);
        std::thread::spawn(move || listen(&socket, &listens));
        Self { path: path.to_owned(), heard }
    }

    /// What was heard, once all is read that was said before.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        let (heard, changed) = &*self.heard;
        let before = heard.lock().unwrap().asked;
        UnixDatagram::unbound().unwrap().send_to(ASKED.as_bytes(), &self.path).unwrap();
        changed.wait_while(heard.lock().unwrap(), |heard| heard.asked == before).unwrap()
    }

    /// Names of the descriptors that are stored.
    pub fn stored(&self) -> Vec<String> {
        self.heard().stored.iter().map(|(name, _)| name.clone()).collect()
    }

    /// What the hub has said, but for the watchdog.
    pub fn texts(&self) -> Vec<String> {
        self.heard().texts.clone()
    }

    pub(super) fn variables(&self) -> BTreeMap<&'static str, String> {
        let names = self.stored();
        let mut variables = BTreeMap::from([("NOTIFY_SOCKET", self.path.display().to_string())]);
        if !names.is_empty() {
            variables.extend([("LISTEN_FDS", names.len().to_string()), ("LISTEN_FDNAMES", names.join(":"))]);
        }
        variables
    }

    /// Copies of the descriptors, from 3 on.
    pub(super) fn descriptors(&self) -> Vec<FdMapping> {
        let heard = self.heard();
        let copies = heard.stored.iter().map(|(_, descriptor)| descriptor.try_clone().unwrap());
        (3..).zip(copies).map(|(child_fd, parent_fd)| FdMapping { parent_fd, child_fd }).collect()
    }
}

fn listen(socket: &UnixDatagram, (heard, changed): &(Mutex<Heard>, Condvar)) {
    let mut bytes = [0; 4096];
    loop {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let message =
            recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
        let Ok(message) = message else { return };
        let descriptors: Vec<OwnedFd> = ancillary
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        let text = String::from_utf8_lossy(&bytes[..message.bytes]).into_owned();
        take(&mut heard.lock().unwrap(), &text, descriptors);
        changed.notify_all();
    }
}

fn take(heard: &mut Heard, text: &str, descriptors: Vec<OwnedFd>) {
    let name = text.lines().find_map(|line| line.strip_prefix("FDNAME=")).unwrap_or_default();
    if text == ASKED {
        heard.asked += 1;
    } else if text.contains("FDSTOREREMOVE=1") {
        heard.stored.retain(|(stored, _)| stored != name);
    } else if text.contains("FDSTORE=1") {
        heard.stored.extend(descriptors.into_iter().map(|descriptor| (name.to_owned(), descriptor)));
    } else if !text.contains("WATCHDOG=1") {
        heard.texts.push(text.to_owned());
    }
}
