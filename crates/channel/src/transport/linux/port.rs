//! An open virtio port or terminal: waiting for edges, reading and writing without blocking.
//!
//! A virtio port whose host is away reports `POLLIN|POLLHUP` for as long as that lasts. tokio's `AsyncFd` keeps a hang-up
//! for ever once it was seen, so it spins on such a descriptor. An epoll descriptor never reports a hang-up itself: the
//! device is registered edge-triggered in one of our own, and that one is what tokio waits on. Each edge is one wake-up.

use super::super::{Port, ReadOutcome, Ready, WriteOutcome};
use super::node::Kind;
use infiniservice_platform::reactor_unsafe::{Registered, register};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// An open device. The descriptor is kept over host restarts; dropping closes it.
#[derive(Debug)]
pub struct LinuxPort {
    waiter: EdgeWaiter,
    fd: OwnedFd,
    kind: Kind,
    path: PathBuf,
    successor: Option<Arc<PreferredPort>>,
}

impl LinuxPort {
    /// Takes an open non-blocking descriptor. Needs a tokio runtime. `EPERM` where it cannot be waited on.
    pub(super) fn new(fd: OwnedFd, kind: Kind, path: PathBuf) -> io::Result<Self> {
        let waiter = EdgeWaiter::new(fd.as_fd())?;
        Ok(Self { waiter, fd, kind, path, successor: None })
    }

    /// Counts as gone once the successor was announced.
    pub(super) fn until(mut self, successor: &Arc<PreferredPort>) -> Self {
        self.successor = Some(Arc::clone(successor));
        self
    }

    fn is_superseded(&self) -> bool {
        self.successor.as_ref().is_some_and(|successor| successor.has_come())
    }

    /// How often waiting for this device woke the process, for nothing included: the measure of a spin.
    pub fn wakeups(&self) -> u64 {
        self.waiter.wakeups()
    }

    fn ready_from(&self, events: EventFlags) -> Ready {
        let hung_up = events.intersects(EventFlags::HUP | EventFlags::ERR | EventFlags::RDHUP);
        Ready {
            // A hang-up is told apart from an unplugged device by reading.
            readable: hung_up || events.contains(EventFlags::IN),
            writable: events.contains(EventFlags::OUT),
            host: (self.kind == Kind::VirtioPort).then(|| !events.contains(EventFlags::HUP)),
        }
    }

    /// A terminal says `EIO`, or 0 bytes, when its other end was closed; it never comes back on this descriptor.
    fn read_error(&self, error: Errno) -> ReadOutcome {
        match (error, self.kind) {
            (Errno::AGAIN, _) => ReadOutcome::WouldBlock,
            (Errno::NODEV | Errno::NXIO, _) | (Errno::IO, Kind::Terminal) => ReadOutcome::Gone,
            _ => ReadOutcome::Failed(error.into()),
        }
    }

    fn write_error(&self, error: Errno) -> WriteOutcome {
        match (error, self.kind) {
            (Errno::AGAIN, _) => WriteOutcome::WouldBlock,
            (Errno::NODEV | Errno::NXIO, _) | (Errno::IO, Kind::Terminal) => WriteOutcome::Gone,
            _ => WriteOutcome::Failed(error.into()),
        }
    }
}

impl Port for LinuxPort {
    fn path(&self) -> &Path {
        &self.path
    }

    fn host(&self) -> Option<bool> {
        match self.kind {
            Kind::Terminal => None,
            Kind::VirtioPort => Some(!is_hung_up(&self.fd)),
        }
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        let Some(successor) = &self.successor else {
            let events = self.waiter.next().await?;
            return Ok(self.ready_from(events));
        };
        tokio::select! {
            events = self.waiter.next() => {
                let events = events?;
                Ok(self.ready_from(events))
            }
            // Reading tells what it is about.
            () = successor.come() => Ok(Ready { readable: true, writable: false, host: self.host() }),
        }
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        if buffer.is_empty() {
            return ReadOutcome::WouldBlock;
        }
        if self.is_superseded() {
            return ReadOutcome::Gone;
        }
        match retry(|| rustix::io::read(&self.fd, &mut *buffer)) {
            Ok(0) if self.kind == Kind::VirtioPort => ReadOutcome::HostAway,
            Ok(0) => ReadOutcome::Gone,
            Ok(count) => ReadOutcome::Data(count),
            Err(error) => self.read_error(error),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        if bytes.is_empty() {
            return WriteOutcome::Wrote(0);
        }
        if self.is_superseded() {
            return WriteOutcome::Gone;
        }
        match retry(|| rustix::io::write(&self.fd, bytes)) {
            Ok(0) => WriteOutcome::WouldBlock,
            Ok(count) => WriteOutcome::Wrote(count),
            Err(error) => self.write_error(error),
        }
    }
}

/// `POLLHUP` at this moment: on a virtio port, no host or no device.
pub fn is_hung_up(fd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN | PollFlags::OUT)];
    match retry(|| rustix::event::poll(&mut fds, Some(&NOW))) {
        Ok(_) => fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP)),
        Err(_) => true,
    }
}

/// A system call again for as long as a signal interrupts it.
pub(super) fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// An epoll instance over one descriptor.
#[derive(Debug)]
pub(super) struct EdgeWaiter {
    epoll: Registered,
    wakeups: u64,
}

impl EdgeWaiter {
    /// Registers `device`; needs a tokio runtime. `EPERM` is a file that cannot be waited on.
    pub(super) fn new(device: BorrowedFd<'_>) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let edges = EventFlags::ET | EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP;
        epoll::add(&epoll, device, EventData::new_u64(0), edges)?;
        Ok(Self { epoll: register(epoll)?, wakeups: 0 })
    }

    /// Waits for the next edge and returns the device's events at that moment. Cancel safe: what is not returned is
    /// still pending.
    pub(super) async fn next(&mut self) -> io::Result<EventFlags> {
        loop {
            let mut guard = self.epoll.readable().await?;
            self.wakeups += 1;
            let events = drain(guard.get_inner())?;
            // After the drain: an edge that comes in between makes the epoll descriptor ready anew.
            guard.clear_ready();
            if let Some(flags) = events {
                return Ok(flags);
            }
        }
    }

    /// How often it woke, for nothing included.
    fn wakeups(&self) -> u64 {
        self.wakeups
    }
}

/// The events that are pending now. One registration gives at most one event, so one call empties the instance.
fn drain(epoll: &OwnedFd) -> io::Result<Option<EventFlags>> {
    let mut events: Vec<Event> = Vec::with_capacity(1);
    loop {
        match epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), Some(&NOW)) {
            Ok(_) => return Ok(events.first().map(|event| event.flags)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Shared between the transport, which finds the better port, and the port that is to give way.
#[derive(Debug, Default)]
pub struct PreferredPort {
    come: AtomicBool,
    notify: Notify,
}

impl PreferredPort {
    /// The better port is there.
    pub fn announce(&self) {
        self.come.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Whether it is there.
    pub fn has_come(&self) -> bool {
        self.come.load(Ordering::Acquire)
    }

    /// Resolves once when it comes. Cancel safe.
    pub async fn come(&self) {
        self.notify.notified().await;
    }
}
