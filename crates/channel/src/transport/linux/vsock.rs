//! A vsock port as a port of the agent's: it listens for as long as it is open, and one host at a time is connected. Others wait in
//! the kernel's queue until that one has gone, as they do at QEMU's end of a virtio port.
//!
//! Who connects is known by the CID that the kernel tells. Only the hypervisor's host is taken: its own other machines, and the
//! programs of this one, have other numbers.

use super::super::outcome::Outcome;
use super::super::vsock::Address;
use super::super::{Port, ReadOutcome, Ready, WriteOutcome};
use super::port::{EdgeWaiter, is_hung_up, retry};
use infiniservice_platform::vsock_unsafe::{self, ANY, HOST, LOCAL};
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::SendFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Takes the next connection of a listener, and tells whose it is.
type Accept = fn(&OwnedFd) -> io::Result<(OwnedFd, u32)>;

/// Connections of others that are turned away in one go; then the loop has a look at the rest of the agent.
const MOST_STRANGERS: usize = 16;

/// An open port. Dropping it stops the listening.
#[derive(Debug)]
pub struct VsockPort {
    waiter: EdgeWaiter,
    listener: OwnedFd,
    accept: Accept,
    /// The CID of who may connect.
    allowed: u32,
    host: Option<Connection>,
    path: PathBuf,
    stranger_told: bool,
}

#[derive(Debug)]
struct Connection {
    waiter: EdgeWaiter,
    fd: OwnedFd,
}

/// What was found among those who want to connect.
enum Queue {
    /// A host, which is let in.
    Host,
    /// Strangers alone; more may wait.
    Strangers,
    /// Nobody.
    Empty,
}

impl VsockPort {
    /// Listens; needs a tokio runtime. `path` is how the address was spelled.
    pub(super) fn listen(address: Address, path: &Path) -> Result<Self, Outcome> {
        let (listener, allowed) = listener(address)?;
        let port = Self::over(listener, |listener| vsock_unsafe::accept(listener), allowed, path);
        port.map_err(|error| Outcome::Failed(format!("waiting on the socket: {error}")))
    }

    /// Listens for a moment, to see whether it could.
    pub(super) fn try_out(address: Address) -> Result<(), Outcome> {
        listener(address).map(drop)
    }

    pub(super) fn over(listener: OwnedFd, accept: Accept, allowed: u32, path: &Path) -> io::Result<Self> {
        let waiter = EdgeWaiter::new(listener.as_fd())?;
        let path = path.to_owned();
        Ok(Self { waiter, listener, accept, allowed, host: None, path, stranger_told: false })
    }

    /// Takes the host that waits, if one does. Others are turned away.
    fn let_in(&mut self) -> io::Result<Queue> {
        for _ in 0..MOST_STRANGERS {
            match (self.accept)(&self.listener) {
                Ok((fd, cid)) if cid == self.allowed => {
                    self.host = Some(Connection { waiter: EdgeWaiter::new(fd.as_fd())?, fd });
                    return Ok(Queue::Host);
                }
                Ok((_stranger, cid)) => self.tell_of_stranger(cid),
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::AGAIN) => return Ok(Queue::Empty),
                    // It went before it was taken.
                    Some(Errno::INTR | Errno::CONNABORTED | Errno::CONNRESET) => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(Queue::Strangers)
    }

    fn tell_of_stranger(&mut self, cid: u32) {
        if !std::mem::replace(&mut self.stranger_told, true) {
            log::warn!(
                "{}: turned away a connection of CID {cid}; only CID {} may connect. Further ones are not logged",
                self.path.display(),
                self.allowed
            );
        }
    }
}

fn listener(address: Address) -> Result<(OwnedFd, u32), Outcome> {
    let (cid, allowed) = if address.local { (LOCAL, LOCAL) } else { (ANY, HOST) };
    vsock_unsafe::listen(cid, address.port).map(|listener| (listener, allowed)).map_err(|error| {
        match Errno::from_io_error(&error) {
            Some(Errno::ADDRINUSE) => Outcome::Busy,
            Some(Errno::AFNOSUPPORT) => Outcome::Failed(
                "there is no vsock: the machine needs a vsock device and the module vmw_vsock_virtio_transport, and the unit must allow AF_VSOCK"
                    .into(),
            ),
            Some(Errno::ADDRNOTAVAIL) if address.local => {
                Outcome::Failed("this kernel has no vsock loopback; load the module vsock_loopback".into())
            }
            Some(Errno::ACCESS | Errno::PERM) => {
                Outcome::Failed("only root may listen on a port below 1024".into())
            }
            _ => Outcome::Failed(format!("cannot listen: {error}")),
        }
    })
}

impl Port for VsockPort {
    fn path(&self) -> &Path {
        &self.path
    }

    fn host(&self) -> Option<bool> {
        Some(self.host.as_ref().is_some_and(|host| !is_hung_up(&host.fd)))
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        while self.host.is_none() {
            match self.let_in()? {
                Queue::Host => return Ok(Ready { readable: true, writable: true, host: Some(true) }),
                Queue::Strangers => return Ok(Ready { host: Some(false), ..Ready::default() }),
                Queue::Empty => drop(self.waiter.next().await?),
            }
        }
        match &mut self.host {
            Some(host) => host.waiter.next().await.map(ready_from),
            None => Ok(Ready::default()),
        }
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        let Some(host) = self.host.as_ref().filter(|_| !buffer.is_empty()) else {
            return ReadOutcome::WouldBlock;
        };
        match retry(|| rustix::io::read(&host.fd, &mut *buffer)) {
            Ok(0) | Err(Errno::CONNRESET | Errno::PIPE | Errno::NOTCONN | Errno::TIMEDOUT) => {
                self.host = None;
                ReadOutcome::HostAway
            }
            Ok(count) => ReadOutcome::Data(count),
            Err(Errno::AGAIN) => ReadOutcome::WouldBlock,
            Err(error) => ReadOutcome::Failed(error.into()),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        let Some(host) = self.host.as_ref().filter(|_| !bytes.is_empty()) else {
            return WriteOutcome::WouldBlock;
        };
        match retry(|| rustix::net::send(&host.fd, bytes, SendFlags::NOSIGNAL)) {
            // Reading tells of a host that went.
            Ok(0) | Err(Errno::AGAIN | Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::TIMEDOUT) => {
                WriteOutcome::WouldBlock
            }
            Ok(count) => WriteOutcome::Wrote(count),
            Err(error) => WriteOutcome::Failed(error.into()),
        }
    }
}

/// A host that shut down its end for writing has gone, too: it will ask for nothing more.
fn ready_from(events: EventFlags) -> Ready {
    let hung_up = events.intersects(EventFlags::HUP | EventFlags::ERR | EventFlags::RDHUP);
    Ready {
        readable: hung_up || events.contains(EventFlags::IN),
        writable: events.contains(EventFlags::OUT),
        host: Some(!hung_up),
    }
}
