//! What the hub says to systemd (`sd_notify(3)`), descriptors among it.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pipe::{PipeFlags, pipe_with};
use sd_notify::NotifyState;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How long systemd may leave a message unread. Its watchdog, not ours, is for a systemd that hangs.
const TAKES_WITHIN: Duration = Duration::from_secs(1);

/// The socket to systemd, kept: without a free descriptor the watchdog is fed all the same.
#[derive(Debug)]
pub(super) struct Systemd {
    socket: Option<UnixDatagram>,
}

impl Systemd {
    /// The one that `NOTIFY_SOCKET` names; what is said without one goes nowhere.
    pub(super) fn from_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return Self { socket: None } };
        let socket = connect(&name);
        if let Err(error) = &socket {
            log::warn!("systemd cannot be told anything: {}: {error}", name.display());
        }
        Self { socket: socket.ok() }
    }

    /// Whether anybody listens.
    pub(super) const fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// Says something.
    pub(super) fn tell(&self, states: &[NotifyState<'_>]) {
        let mut text = String::new();
        for state in states {
            let _infallible = writeln!(text, "{state}");
        }
        self.send(&text, None);
    }

    /// Gives a copy of a descriptor away, to be given to the next hub; whether systemd was told.
    pub(super) fn store(&self, name: &str, descriptor: BorrowedFd<'_>) -> bool {
        self.send(&format!("FDSTORE=1\nFDNAME={name}\n"), Some(descriptor))
    }

    /// The descriptors of this name are not to be kept any more.
    pub(super) fn unstore(&self, name: &str) {
        self.send(&format!("FDSTOREREMOVE=1\nFDNAME={name}\n"), None);
    }

    /// Waits until systemd has read all that was said; whether it has. It closes the descriptor that comes with the message.
    pub(super) fn barrier(&self, within: Duration) -> bool {
        let Ok((end, other)) = pipe_with(PipeFlags::CLOEXEC) else { return false };
        if !self.send("BARRIER=1\n", Some(other.as_fd())) {
            return false;
        }
        drop(other);
        let within = Timespec::try_from(within).ok();
        poll(&mut [PollFd::new(&end, PollFlags::empty())], within.as_ref()).is_ok_and(|ready| ready > 0)
    }

    fn send(&self, text: &str, descriptor: Option<BorrowedFd<'_>>) -> bool {
        let Some(socket) = &self.socket else { return false };
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if let Some(descriptor) = &descriptor {
            ancillary.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(descriptor)));
        }
        let sent = sendmsg(socket, &[IoSlice::new(text.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL);
        if let Err(error) = &sent {
            log::debug!("systemd does not take {:?}: {error}", text.lines().next().unwrap_or_default());
        }
        sent.is_ok()
    }
}

/// `name` as `sd_notify(3)` has it: a path, or `@` and a name of the abstract namespace.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(TAKES_WITHIN))?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn systemd_is_told_by_a_path_and_a_barrier_ends_when_it_has_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        let hub = Systemd { socket: Some(connect(path.as_os_str()).unwrap()) };
        hub.tell(&[NotifyState::Ready]);
        assert!(hub.store("a", systemd.as_fd()));
        hub.unstore("a");
        let texts: Vec<_> = (0..3).map(|_| read(&systemd)).collect();
        assert_eq!(texts, ["READY=1\n", "FDSTORE=1\nFDNAME=a\n", "FDSTOREREMOVE=1\nFDNAME=a\n"]);
        assert!(!hub.barrier(Duration::ZERO), "nobody has read it");
        let reader = std::thread::spawn(move || while read(&systemd) != "end\n" {});
        assert!(hub.barrier(Duration::from_secs(60)));
        hub.send("end\n", None);
        reader.join().unwrap();
    }

    #[test]
    fn without_systemd_nothing_is_said_and_nothing_fails() {
        let hub = Systemd { socket: None };
        hub.tell(&[NotifyState::Ready]);
        assert!(!hub.is_there() && !hub.store("a", io::stdin().as_fd()) && !hub.barrier(Duration::ZERO));
    }
}
