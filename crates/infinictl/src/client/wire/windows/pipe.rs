//! The two halves of a named pipe.

use super::Master;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use tokio::sync::OnceCell;

/// `ERROR_PIPE_BUSY` (winerror.h): all instances have their client.
const ERROR_PIPE_BUSY: i32 = 231;

/// The reading half.
pub(in crate::client) struct Reader(Arc<Pipe>);
/// The writing half.
pub(in crate::client) struct Writer(Arc<Pipe>);

/// Either end of a pipe.
enum Pipe {
    /// QEMU made it: `-chardev pipe`.
    Client(NamedPipeClient),
    /// Ours; the cell is filled once its client has come.
    Server(NamedPipeServer, OnceCell<()>),
}

/// Opens the pipe of a machine's channel; an error says what to check.
#[allow(clippy::unused_async, reason = "a Unix socket's connection has to be waited for")]
pub(in crate::client) async fn connect(path: &Path) -> io::Result<(Reader, Writer)> {
    let opened = ClientOptions::new().open(path);
    opened
        .map(|pipe| halves(Pipe::Client(pipe)))
        .map_err(|error| io::Error::new(error.kind(), advice(&error)))
}

/// Splits the host's end of a pipe of our own.
#[allow(clippy::unnecessary_wraps, reason = "a pseudo-terminal's master may refuse")]
pub(in crate::client) fn split(master: Master) -> io::Result<(Reader, Writer)> {
    Ok(halves(Pipe::Server(master, OnceCell::new())))
}

fn halves(pipe: Pipe) -> (Reader, Writer) {
    let pipe = Arc::new(pipe);
    (Reader(Arc::clone(&pipe)), Writer(pipe))
}

/// What an error of `CreateFile` means here.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such pipe; is the machine running, and is this its channel's path?".into()
        }
        ErrorKind::PermissionDenied => "permission denied; run as an administrator".into(),
        _ if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => {
            "another program holds the channel, which accepts one at a time".into()
        }
        _ => error.to_string(),
    }
}

impl Reader {
    /// What has come; 0 when the other end is gone. Nothing is lost when the future is dropped.
    pub(in crate::client) async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.connected().await?;
        loop {
            self.0.readable().await?;
            match self.0.try_read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
                result => return result,
            }
        }
    }
}

impl Writer {
    /// Writes all of it, as fast as the other end takes it.
    pub(in crate::client) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.0.connected().await?;
        while !bytes.is_empty() {
            self.0.writable().await?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }
}

impl Pipe {
    /// Waits for a server's client.
    async fn connected(&self) -> io::Result<()> {
        match self {
            Self::Client(_) => Ok(()),
            Self::Server(pipe, cell) => cell.get_or_try_init(|| pipe.connect()).await.copied(),
        }
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Client(pipe) => pipe.readable().await,
            Self::Server(pipe, _) => pipe.readable().await,
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Client(pipe) => pipe.writable().await,
            Self::Server(pipe, _) => pipe.writable().await,
        }
    }

    fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Client(pipe) => pipe.try_read(buf),
            Self::Server(pipe, _) => pipe.try_read(buf),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Client(pipe) => pipe.try_write(bytes),
            Self::Server(pipe, _) => pipe.try_write(bytes),
        }
    }
}
