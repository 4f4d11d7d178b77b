//! A port: the host's end as a Unix socket like QEMU's, and what waits between it and the guest.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags};
use vm_memory::GuestMemoryMmap;

use super::queue::{Queue, Taken};

/// Bytes read from a client at once. The guest's buffers are a page each.
const CHUNK_BYTES: usize = 4096;

/// One client is served at a time, others wait in the listen queue. The socket is there, with its client, also while no
/// port of the guest is behind it.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) number: u32,
    /// Under which name the guest has it; `None` while it is unplugged.
    pub(super) name: Option<String>,
    /// Whether the guest's driver has set it up.
    pub(super) ready: bool,
    /// Whether a program in the guest has it open.
    pub(super) guest_open: bool,
    listener: UnixListener,
    client: Option<UnixStream>,
    to_client: Option<Taken>,
    to_guest: Vec<u8>,
}

impl Port {
    /// A port whose host's end is `socket`.
    pub(super) fn new(number: u32, name: &str, socket: &Path) -> Result<Self> {
        let listener = UnixListener::bind(socket).with_context(|| socket.display().to_string())?;
        listener.set_nonblocking(true)?;
        let name = Some(name.to_owned());
        let (to_client, to_guest) = (None, Vec::new());
        Ok(Self {
            number,
            name,
            ready: false,
            guest_open: false,
            listener,
            client: None,
            to_client,
            to_guest,
        })
    }

    pub(super) fn has_client(&self) -> bool {
        self.client.is_some()
    }

    /// What to wait for: a client, or what the one has to say and can take.
    pub(super) fn poll(&self, guest_takes: bool) -> PollFd<'_> {
        let Some(client) = &self.client else { return PollFd::new(&self.listener, PollFlags::IN) };
        let reads = if guest_takes && self.guest_open { PollFlags::IN } else { PollFlags::empty() };
        let writes = if self.to_client.is_some() { PollFlags::OUT } else { PollFlags::empty() };
        PollFd::new(client, reads | writes)
    }

    /// Takes the next client where there is none.
    pub(super) fn accept(&mut self) {
        if self.client.is_none() {
            let next = self.listener.accept().ok().map(|(client, _)| client);
            // One that cannot be served without waiting is no client.
            self.client = next.filter(|client| client.set_nonblocking(true).is_ok());
        }
    }

    /// The client is gone. What it did not take is lost, as with QEMU.
    pub(super) fn hang_up(&mut self) {
        self.client = None;
    }

    /// The guest is gone, or has lost the port.
    pub(super) fn forget_guest(&mut self) {
        (self.ready, self.guest_open) = (false, false);
        self.to_client = None;
        self.to_guest.clear();
    }

    /// Moves what the guest has sent. Without a client it is thrown away.
    pub(super) fn carry_from_guest(&mut self, queue: &mut Queue, memory: &GuestMemoryMmap) -> Result<()> {
        loop {
            if self.to_client.is_none() {
                self.to_client = queue.take(memory)?;
            }
            let Some(taken) = &mut self.to_client else { return Ok(()) };
            match self.client.as_mut().map(|client| client.write(&taken.bytes)) {
                Some(Ok(count)) => drop(taken.bytes.drain(..count)),
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Some(Err(_)) => self.client = None,
                None => taken.bytes.clear(),
            }
            self.to_client = give_back_empty(self.to_client.take(), queue, memory)?;
        }
    }

    /// Throws away what the guest has sent and nobody has taken.
    pub(super) fn discard(&mut self, queue: &mut Queue, memory: &GuestMemoryMmap) -> Result<()> {
        while let Some(taken) =
            self.to_client.take().map_or_else(|| queue.take(memory), |taken| Ok(Some(taken)))?
        {
            queue.give_back(memory, &taken)?;
        }
        Ok(())
    }

    /// Moves what the client has sent, as far as the guest has room and somebody there reads.
    pub(super) fn carry_to_guest(&mut self, queue: &mut Queue, memory: &GuestMemoryMmap) -> Result<()> {
        while self.guest_open && queue.has_buffer(memory) {
            if self.to_guest.is_empty() && !self.read() {
                return Ok(());
            }
            if let Some(count) = queue.fill(memory, &self.to_guest)? {
                self.to_guest.drain(..count);
            }
        }
        Ok(())
    }

    /// Reads from the client; false where nothing came.
    fn read(&mut self) -> bool {
        let Some(client) = &mut self.client else { return false };
        self.to_guest.resize(CHUNK_BYTES, 0);
        let read = client.read(&mut self.to_guest);
        self.to_guest.truncate(read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(1..) => return true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => self.client = None,
        }
        false
    }
}

fn give_back_empty(
    taken: Option<Taken>,
    queue: &mut Queue,
    memory: &GuestMemoryMmap,
) -> Result<Option<Taken>> {
    match taken {
        Some(taken) if taken.bytes.is_empty() => queue.give_back(memory, &taken).map(|()| None),
        other => Ok(other),
    }
}
