//! The host's end of the port: a Unix socket as QEMU offers it, with a pseudo-terminal behind it.
//!
//! One client is served at a time, others wait in the listen queue, and what the guest says while nobody listens is
//! lost, as with QEMU. What QEMU has more: the guest learns that the host comes and goes. A terminal cannot say so.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};

/// Bytes taken at once, and the most that waits on its way.
const CHUNK_BYTES: usize = 64 << 10;

/// Serves the socket for the life of this value.
#[derive(Debug)]
pub(crate) struct Relay {
    _stop: OwnedFd,
}

/// Bytes that were read at one end and wait to be written at the other.
#[derive(Default)]
struct Waiting(Vec<u8>);

struct Ends {
    listener: UnixListener,
    terminal: File,
    /// Keeps the terminal's settings, and keeps it from hanging up while the guest has it closed.
    _guest: OwnedFd,
    client: Option<UnixStream>,
    to_client: Waiting,
    to_guest: Waiting,
}

impl Relay {
    /// Listens at `socket` for clients of this terminal, whose guest's end is `guest`.
    pub(crate) fn start(terminal: OwnedFd, guest: OwnedFd, socket: &Path) -> Result<Self> {
        let listener = UnixListener::bind(socket).with_context(|| socket.display().to_string())?;
        listener.set_nonblocking(true)?;
        set_nonblocking(&terminal)?;
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let (to_client, to_guest) = Default::default();
        let mut ends =
            Ends { listener, terminal: terminal.into(), _guest: guest, client: None, to_client, to_guest };
        thread::Builder::new()
            .name("port-relay".to_owned())
            .spawn(move || while ends.turn(&stopped).is_ok_and(|goes_on| goes_on) {})?;
        Ok(Self { _stop: stop })
    }
}

impl Ends {
    /// Waits until something can be moved, and moves it; false when the relay is over.
    fn turn(&mut self, stopped: &OwnedFd) -> Result<bool> {
        let wants = |read: bool, write: bool| {
            let flag = |wanted, flag| if wanted { flag } else { PollFlags::empty() };
            flag(read, PollFlags::IN) | flag(write, PollFlags::OUT)
        };
        let terminal = wants(self.to_client.is_empty(), !self.to_guest.is_empty());
        let mut fds = vec![PollFd::new(stopped, PollFlags::IN), PollFd::new(&self.terminal, terminal)];
        match &self.client {
            Some(client) => {
                fds.push(PollFd::new(client, wants(self.to_guest.is_empty(), !self.to_client.is_empty())));
            }
            None => fds.push(PollFd::new(&self.listener, PollFlags::IN)),
        }
        poll(&mut fds, None)?;
        if fds.first().is_some_and(|fd| !fd.revents().is_empty()) {
            return Ok(false);
        }
        self.carry();
        Ok(true)
    }

    fn carry(&mut self) {
        if let Some(client) = &mut self.client {
            let from_client = self.to_guest.fill(client);
            self.to_client.fill(&mut self.terminal);
            if !from_client || !self.to_client.drain(client) {
                self.client = None;
            }
        } else {
            self.client = self.listener.accept().ok().map(|(client, _)| client);
            // One that cannot be served without waiting is no client.
            self.client = self.client.take().filter(|client| client.set_nonblocking(true).is_ok());
            self.to_client.fill(&mut self.terminal);
            self.to_client.0.clear();
        }
        self.to_guest.drain(&mut self.terminal);
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads when nothing waits; false when the other end has closed.
    fn fill(&mut self, from: &mut impl Read) -> bool {
        if !self.0.is_empty() {
            return true;
        }
        self.0.resize(CHUNK_BYTES, 0);
        let read = from.read(&mut self.0);
        self.0.truncate(read.as_ref().copied().unwrap_or(0));
        !matches!(read, Ok(0)) && !read.is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
    }

    /// Writes what can be written; false when the other end has closed.
    fn drain(&mut self, to: &mut impl Write) -> bool {
        if self.0.is_empty() {
            return true;
        }
        match to.write(&self.0) {
            Ok(count) => drop(self.0.drain(..count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
        true
    }
}

fn set_nonblocking(fd: impl AsFd) -> Result<()> {
    let flags = fcntl_getfl(&fd)?;
    Ok(fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

    #[test]
    fn one_client_after_another_is_served_and_nothing_is_kept_for_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("port.sock");
        let (flags, raw) = (OpenptFlags::RDWR | OpenptFlags::NOCTTY, rustix::termios::OptionalActions::Now);
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        let guest = ioctl_tiocgptpeer(&master, flags).unwrap();
        let mut modes = rustix::termios::tcgetattr(&guest).unwrap();
        modes.make_raw();
        rustix::termios::tcsetattr(&guest, raw, &modes).unwrap();
        let mut agent = File::from(guest.try_clone().unwrap());
        let _relay = Relay::start(master, guest, &socket).unwrap();
        for round in 0..3 {
            let mut client = UnixStream::connect(&socket).unwrap();
            let line = format!("host {round}\n");
            client.write_all(line.as_bytes()).unwrap();
            let mut seen = vec![0; line.len()];
            agent.read_exact(&mut seen).unwrap();
            assert_eq!(seen, line.as_bytes());
            agent.write_all(b"guest\n").unwrap();
            let mut seen = [0; 6];
            client.read_exact(&mut seen).unwrap();
            assert_eq!(&seen, b"guest\n");
        }
    }
}
