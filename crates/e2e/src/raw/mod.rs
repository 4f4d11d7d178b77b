//! A host's end with nothing in between: one loop over one descriptor, that accounts for every line.

mod ledger;

pub use ledger::Ledger;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes that may wait to be written before no more is asked.
const MAX_WAITING_BYTES: usize = 64 << 10;
/// Bytes read at once.
const CHUNK_BYTES: usize = 16 << 10;
/// The host's own pings are numbered from here, where no heartbeat of an agent ever comes.
const FIRST_PING: u64 = 1 << 52;

/// One connection: a pty's master, or the Unix socket of a machine.
pub struct RawHost {
    stream: File,
    out: Vec<u8>,
    input: Vec<u8>,
    scanned: usize,
    next: u64,
    prefix: String,
    /// Most bytes taken by one read; a slow host takes few.
    pub read_at_most: usize,
    /// What was asked and what came.
    pub ledger: Ledger,
}

impl RawHost {
    /// A host over this descriptor, which stops blocking. Ids begin with `prefix`: no two hosts of one agent share it.
    pub fn new(stream: impl Into<OwnedFd>, prefix: &str) -> Result<Self> {
        let stream = File::from(stream.into());
        rustix::io::ioctl_fionbio(&stream, true)?;
        let out = b"\n".to_vec();
        let (prefix, ledger) = (prefix.to_owned(), Ledger::default());
        Ok(Self {
            stream,
            out,
            input: Vec::new(),
            scanned: 0,
            next: 0,
            prefix,
            read_at_most: CHUNK_BYTES,
            ledger,
        })
    }

    /// Connects to a machine's port.
    pub fn connect(socket: &Path, prefix: &str) -> Result<Self> {
        let stream = UnixStream::connect(socket).with_context(|| format!("{}", socket.display()))?;
        Self::new(stream, prefix)
    }

    /// Another connection takes this one's place; what was asked stays asked. Half a line of either way is forgotten.
    pub fn reconnect(&mut self, socket: &Path) -> Result<()> {
        let stream = UnixStream::connect(socket).with_context(|| format!("{}", socket.display()))?;
        stream.set_nonblocking(true)?;
        self.stream = File::from(OwnedFd::from(stream));
        self.out = b"\n".to_vec();
        (self.input, self.scanned) = (Vec::new(), 0);
        Ok(())
    }

    /// Whether more may be asked now without a queue on this side.
    pub fn may_ask(&self) -> bool {
        self.out.len() < MAX_WAITING_BYTES
    }

    /// Whether all that was asked has gone out.
    pub fn has_asked_all(&self) -> bool {
        self.out.is_empty()
    }

    /// Asks for an action, given as the inside of `command_type`; gives its id.
    pub fn ask(&mut self, command: &str) -> String {
        let id = self.new_id();
        self.ask_as(&id, command);
        id
    }

    /// The same by an id that may have been asked before.
    pub fn ask_as(&mut self, id: &str, command: &str) {
        let line = format!("{{\"type\":\"SafeCommand\",\"id\":\"{id}\",\"command_type\":{{{command}}}}}\n");
        self.say(id, &line);
    }

    /// Asks again for those of these that were not answered, as a host does that lost its agent or its connection; how many.
    pub fn ask_again(&mut self, commands: &[(String, &str)]) -> usize {
        let open: Vec<_> = commands.iter().filter(|(id, _)| !self.ledger.has(id)).collect();
        for (id, command) in &open {
            self.ask_as(id, command);
        }
        open.len()
    }

    /// Asks for metrics; gives the id.
    pub fn ask_metrics(&mut self) -> String {
        let id = self.new_id();
        self.say(&id, &format!("{{\"type\":\"Metrics\",\"id\":\"{id}\"}}\n"));
        id
    }

    /// Pings.
    pub fn ping(&mut self) {
        static PINGS: AtomicU64 = AtomicU64::new(FIRST_PING);
        // Of all hosts: a pong to a predecessor may come.
        let number = PINGS.fetch_add(1, Ordering::Relaxed);
        let line = format!("{{\"type\":\"keep_alive_request\",\"sequence_number\":{number}}}\n");
        self.say(&ping_id(number), &line);
    }

    /// Says a line that is answered by `id`.
    pub fn say(&mut self, id: &str, line: &str) {
        self.ledger.asked(id);
        self.out.extend_from_slice(line.as_bytes());
    }

    /// Bytes that are owed no answer.
    pub fn mutter(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Reads and writes what there is, waiting at most `timeout` for any of it. `false` when the other end has gone.
    pub fn turn(&mut self, timeout: Duration) -> Result<bool> {
        let wanted = if self.out.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        let mut fds = [PollFd::new(&self.stream, wanted)];
        let timeout = Timespec::try_from(timeout)?;
        if poll(&mut fds, Some(&timeout))? == 0 {
            return Ok(true);
        }
        let events = fds.first().map_or(PollFlags::empty(), PollFd::revents);
        if events.contains(PollFlags::OUT) && !self.write()? {
            return Ok(false);
        }
        if events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            return self.read();
        }
        Ok(true)
    }

    /// Turns until every answer is there; an error that counts what is missing where nothing comes for `timeout`.
    pub fn settle(&mut self, timeout: Duration) -> Result<()> {
        let mut last = (self.ledger.answered, Instant::now());
        while self.ledger.is_open() {
            if !self.turn(Duration::from_millis(100))? {
                bail!("the connection ended: {}", self.ledger);
            }
            if self.ledger.answered > last.0 {
                last = (self.ledger.answered, Instant::now());
            }
            if last.1.elapsed() > timeout {
                bail!("no answer for {timeout:?}: {}\nmissing: {:?}", self.ledger, self.ledger.some_open());
            }
        }
        Ok(())
    }

    /// Turns for this long.
    pub fn serve(&mut self, length: Duration) -> Result<bool> {
        let end = Instant::now() + length;
        while Instant::now() < end {
            if !self.turn(end.saturating_duration_since(Instant::now()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes for this long, and reads once at its end.
    pub fn turn_slowly(&mut self, length: Duration) -> Result<bool> {
        let end = Instant::now() + length;
        while !self.out.is_empty() && Instant::now() < end {
            let timeout = Timespec::try_from(end.saturating_duration_since(Instant::now()))?;
            if poll(&mut [PollFd::new(&self.stream, PollFlags::OUT)], Some(&timeout))? > 0 && !self.write()? {
                return Ok(false);
            }
        }
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        self.read()
    }

    fn new_id(&mut self) -> String {
        self.next += 1;
        format!("{}{}", self.prefix, self.next)
    }

    fn write(&mut self) -> Result<bool> {
        match self.stream.write(&self.out) {
            Ok(count) => drop(self.out.drain(..count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if is_end(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    fn read(&mut self) -> Result<bool> {
        let mut chunk = [0; CHUNK_BYTES];
        let room = chunk.get_mut(..self.read_at_most.clamp(1, CHUNK_BYTES)).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => return Ok(false),
            Ok(count) => self.input.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if is_end(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.take_lines();
        Ok(true)
    }

    fn take_lines(&mut self) {
        let mut begin = 0;
        let bytes = std::mem::take(&mut self.input);
        while let Some(length) =
            bytes.get(self.scanned.max(begin)..).unwrap_or_default().iter().position(|byte| *byte == b'\n')
        {
            let end = self.scanned.max(begin) + length;
            let line = bytes.get(begin..end).unwrap_or_default();
            if let Some(heartbeat) = self.ledger.take(line, FIRST_PING) {
                let answer = format!("{{\"type\":\"KeepAliveResponse\",\"sequence_number\":{heartbeat}}}\n");
                self.out.extend_from_slice(answer.as_bytes());
            }
            begin = end + 1;
        }
        self.input = bytes.get(begin..).unwrap_or_default().to_vec();
        self.scanned = self.input.len();
    }
}

fn ping_id(number: u64) -> String {
    format!("ping-{number}")
}

/// How the end of a connection looks: a terminal says `EIO`.
fn is_end(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
        || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
