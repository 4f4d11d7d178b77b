//! Unix: sockets, pseudo-terminals and the processes of agents of our own, the terminal's width, and signals.

pub mod pty;
mod system_unsafe;
mod vsock_unsafe;

pub(crate) use pty::open as open_pair;

use rustix::io::Errno;
use rustix::process::{self, Pid, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, stdout};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use system_unsafe::{Registered, end_with_parent, register};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A machine's channel, before its path.
pub(crate) const CHANNEL: &str = "the socket";
/// The host's end of a pseudo-terminal.
pub type Master = OwnedFd;
/// The guest's end of one.
pub(crate) type Slave = OwnedFd;

/// What every program needs.
pub(crate) fn environment() -> Vec<(OsString, OsString)> {
    vec![("LC_ALL".into(), "C.UTF-8".into())]
}

/// A new file that only its owner may open; there must be none of this name.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Whether only its owner may open it.
pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    let others = std::fs::metadata(path)?.mode() & 0o077;
    Ok(others == 0)
}

/// Starts it so that it does not outlive this process.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    end_with_parent(command);
    command.spawn()
}

/// SIGTERM; the child has not been waited for, so its number is still its own.
pub(crate) fn terminate(child: &mut Child) {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _gone_already = kill_process(pid, process::Signal::TERM);
    }
}

/// How long a socket may take to accept; a Unix socket's listener takes at once, or its queue is full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to it; an error says what to check.
pub(crate) async fn connect(path: &Path) -> io::Result<(Reader, Writer)> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(path)).await;
    let result = connected.unwrap_or_else(|_late| Err(ErrorKind::TimedOut.into()));
    result.map(unix).map_err(|error| io::Error::new(error.kind(), advice(&error)))
}

/// Connects to a machine's vsock port; an error says what to check.
pub(crate) async fn connect_vsock(cid: u32, port: u32) -> io::Result<(Reader, Writer)> {
    let connecting = tokio::task::spawn_blocking(move || vsock_unsafe::connect(cid, port));
    let connected = connecting.await.unwrap_or_else(|_panic| Err(ErrorKind::Other.into()));
    split(connected.map_err(|error| io::Error::new(error.kind(), vsock_advice(&error)))?)
}

/// What an error of connect(2) means for vsock.
fn vsock_advice(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::AFNOSUPPORT) => "this kernel has no vsock; load the module vhost_vsock".into(),
        Some(Errno::NODEV | Errno::NETUNREACH) => {
            "no machine of this host has this CID; is it running, with a vsock device?".into()
        }
        Some(Errno::CONNRESET | Errno::CONNREFUSED) => {
            "the machine refuses it; does its agent listen on this port (device_path = \"vsock:PORT\")?"
                .into()
        }
        Some(Errno::TIMEDOUT) => "the machine does not answer; is it running?".into(),
        _ => error.to_string(),
    }
}

/// What an error of connect(2) means here.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such socket; is the machine running, and is this its channel's path?".into()
        }
        ErrorKind::ConnectionRefused => {
            "nobody listens on it; the machine that created it has stopped, or its channel is in client mode"
                .into()
        }
        ErrorKind::PermissionDenied => {
            "permission denied; run as root, or as a user of the machine's group".into()
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            "its listen queue is full; another program holds the channel, which accepts one at a time".into()
        }
        _ => error.to_string(),
    }
}

/// The reading half.
pub(crate) enum Reader {
    Unix(OwnedReadHalf),
    Pty(Arc<Registered>),
}

/// The writing half.
pub(crate) enum Writer {
    Unix(OwnedWriteHalf),
    Pty(Arc<Registered>),
}

/// Splits a socket.
pub(crate) fn unix(stream: UnixStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (Reader::Unix(reader), Writer::Unix(writer))
}

/// Splits a pseudo-terminal's master.
pub(crate) fn split(master: OwnedFd) -> io::Result<(Reader, Writer)> {
    pty::set_nonblocking(&master)?;
    let fd = Arc::new(register(master)?);
    Ok((Reader::Pty(Arc::clone(&fd)), Writer::Pty(fd)))
}

impl Reader {
    /// What has come; 0 when the other end is gone. Nothing is lost when the future is dropped.
    pub(crate) async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(half) => half.read(buf).await,
            Self::Pty(fd) => read_pty(fd, buf).await,
        }
    }
}

impl Writer {
    /// Writes all of it, as fast as the other end takes it.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(half) => half.write_all(bytes).await,
            Self::Pty(fd) => write_pty(fd, bytes).await,
        }
    }
}

async fn read_pty(fd: &AsyncFd<OwnedFd>, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut ready = fd.readable().await?;
        match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *buf)?)) {
            // A master reads EIO once nobody holds the slave open: pty(7) leaves it out, drivers/tty/pty.c has it.
            Ok(Err(error)) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(0),
            Ok(result) => return result,
            Err(_would_block) => {}
        }
    }
}

async fn write_pty(fd: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut ready = fd.writable().await?;
        match ready.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), bytes)?)) {
            Ok(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written?..).unwrap_or_default(),
            Err(_would_block) => {}
        }
    }
    Ok(())
}

/// Columns of the terminal that standard output is, if it is one that knows.
pub(crate) fn columns() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

/// SIGTERM, SIGHUP and SIGINT from now on.
pub(crate) struct Signals([Signal; 3]);

impl Signals {
    /// Takes them over.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
        ]))
    }

    /// Waits for one.
    pub(crate) async fn any(&mut self) {
        let [terminate, hangup, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
