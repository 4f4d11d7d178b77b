//! An open device: waiting for edges, reading and writing without blocking.

use super::super::win32::codes::{IoMeaning, io_meaning};
use super::super::{Port, ReadOutcome, Ready, WriteOutcome};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tokio::io::Interest;
use tokio::net::windows::named_pipe::NamedPipeClient;

/// An open device. Dropping closes it.
#[derive(Debug)]
pub struct WindowsPort {
    pipe: NamedPipeClient,
    path: PathBuf,
    /// The last write found no room: only then is room an event.
    full: bool,
}

impl WindowsPort {
    pub(super) fn new(pipe: NamedPipeClient, path: PathBuf) -> Self {
        Self { pipe, path, full: false }
    }
}

impl Port for WindowsPort {
    fn path(&self) -> &Path {
        &self.path
    }

    fn host(&self) -> Option<bool> {
        None
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        let interest = if self.full { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let ready = self.pipe.ready(interest).await?;
        let readable = ready.is_readable() || ready.is_read_closed();
        Ok(Ready { readable, writable: ready.is_writable(), host: None })
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        match self.pipe.try_read(buffer) {
            Ok(0) => ReadOutcome::Gone,
            Ok(count) => ReadOutcome::Data(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => ReadOutcome::WouldBlock,
            Err(error) => match meaning(&error) {
                IoMeaning::HangUp | IoMeaning::Gone => ReadOutcome::Gone,
                IoMeaning::Busy => ReadOutcome::WouldBlock,
                IoMeaning::Failed => ReadOutcome::Failed(error),
            },
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        let outcome = self.pipe.try_write(bytes);
        self.full = matches!(&outcome, Err(error) if error.kind() == ErrorKind::WouldBlock);
        match outcome {
            Ok(0) => WriteOutcome::WouldBlock,
            Ok(count) => WriteOutcome::Wrote(count),
            Err(_) if self.full => WriteOutcome::WouldBlock,
            Err(error) => match meaning(&error) {
                IoMeaning::HangUp | IoMeaning::Gone => WriteOutcome::Gone,
                IoMeaning::Busy => WriteOutcome::WouldBlock,
                IoMeaning::Failed => WriteOutcome::Failed(error),
            },
        }
    }
}

fn meaning(error: &io::Error) -> IoMeaning {
    error.raw_os_error().map_or(IoMeaning::Failed, |code| io_meaning(code.cast_unsigned()))
}
