//! The two halves of a wire, a Unix socket's or a pseudo-terminal's.

use super::pty;
use super::register_unsafe::{Registered, register};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// The reading half.
pub(in crate::client) enum Reader {
    Unix(OwnedReadHalf),
    Pty(Arc<Registered>),
}

/// The writing half.
pub(in crate::client) enum Writer {
    Unix(OwnedWriteHalf),
    Pty(Arc<Registered>),
}

/// Splits a socket.
pub(in crate::client) fn unix(stream: UnixStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (Reader::Unix(reader), Writer::Unix(writer))
}

/// Splits a pseudo-terminal's master.
pub(in crate::client) fn pty(master: OwnedFd) -> io::Result<(Reader, Writer)> {
    pty::set_nonblocking(&master)?;
    let fd = Arc::new(register(master)?);
    Ok((Reader::Pty(Arc::clone(&fd)), Writer::Pty(fd)))
}

impl Reader {
    /// What has come; 0 when the other end is gone. Nothing is lost when the future is dropped.
    pub(in crate::client) async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(half) => half.read(buf).await,
            Self::Pty(fd) => read_pty(fd, buf).await,
        }
    }
}

impl Writer {
    /// Writes all of it, as fast as the other end takes it.
    pub(in crate::client) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
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
            Ok(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written?..).unwrap_or_default(),
            Err(_would_block) => {}
        }
    }
    Ok(())
}
