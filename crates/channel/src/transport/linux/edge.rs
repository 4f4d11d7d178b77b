//! One descriptor waited on by its edges, through an epoll instance of its own.
//!
//! A virtio port whose host is away reports `POLLIN|POLLHUP` for as long as that lasts. tokio's `AsyncFd` keeps a hang-up
//! for ever once it was seen, so it spins on such a descriptor. An epoll descriptor never reports a hang-up itself: the
//! device is registered edge-triggered in one of our own, and that one is what tokio waits on. Each edge is one wake-up.

use infiniservice_platform::reactor_unsafe::{Registered, register};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// An epoll instance over one descriptor.
#[derive(Debug)]
pub struct EdgeWaiter {
    epoll: Registered,
    wakeups: u64,
}

impl EdgeWaiter {
    /// Registers `device`; needs a tokio runtime. `EPERM` is a file that cannot be waited on.
    pub fn new(device: BorrowedFd<'_>) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let edges = EventFlags::ET | EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP;
        epoll::add(&epoll, device, EventData::new_u64(0), edges)?;
        Ok(Self { epoll: register(epoll)?, wakeups: 0 })
    }

    /// Waits for the next edge and returns the device's events at that moment. Cancel safe: what is not returned is
    /// still pending.
    pub async fn next(&mut self) -> io::Result<EventFlags> {
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
    pub fn wakeups(&self) -> u64 {
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
