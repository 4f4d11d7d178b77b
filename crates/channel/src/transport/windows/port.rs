//! An open device: waiting for edges, reading and writing without blocking.

use super::super::win32::codes::{IoMeaning, io_meaning};
use super::super::{Port, ReadOutcome, Ready, WriteOutcome};
use super::virtio::Virtio;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tokio::io::Interest;
use tokio::net::windows::named_pipe::NamedPipeClient;

/// As much as the driver is given at once: what it does not take is lost.
const MAX_WRITE_BYTES: usize = 32 << 10;

/// An open device. Dropping closes it.
#[derive(Debug)]
pub struct WindowsPort {
    /// Before the pipe: its registration ends before the handle that it is for.
    virtio: Option<Virtio>,
    pipe: NamedPipeClient,
    path: PathBuf,
    /// The last write found no room: only then is room an event.
    full: bool,
}

impl WindowsPort {
    pub(super) fn new(pipe: NamedPipeClient, virtio: Option<Virtio>, path: PathBuf) -> Self {
        Self { virtio, pipe, path, full: false }
    }

    async fn edges(pipe: &NamedPipeClient, full: bool) -> io::Result<Ready> {
        let interest = if full { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let ready = pipe.ready(interest).await?;
        let readable = ready.is_readable() || ready.is_read_closed();
        Ok(Ready { readable, writable: ready.is_writable(), host: None })
    }

    fn read_failed(&mut self, error: io::Error) -> ReadOutcome {
        match (meaning(&error), &mut self.virtio) {
            (IoMeaning::HangUp, Some(virtio)) => {
                if virtio.hung_up(&self.pipe) {
                    ReadOutcome::HostAway
                } else {
                    ReadOutcome::WouldBlock
                }
            }
            (IoMeaning::Busy, _) => ReadOutcome::WouldBlock,
            (IoMeaning::HangUp | IoMeaning::Gone, _) => ReadOutcome::Gone,
            (IoMeaning::Failed, _) => ReadOutcome::Failed(error),
        }
    }

    fn write_failed(&mut self, error: io::Error) -> WriteOutcome {
        match (meaning(&error), &mut self.virtio) {
            (IoMeaning::HangUp, Some(virtio)) => {
                virtio.hung_up(&self.pipe);
                WriteOutcome::WouldBlock
            }
            (IoMeaning::Busy, _) => WriteOutcome::WouldBlock,
            (IoMeaning::HangUp | IoMeaning::Gone, _) => WriteOutcome::Gone,
            (IoMeaning::Failed, _) => WriteOutcome::Failed(error),
        }
    }

    fn must_close(&self) -> bool {
        self.virtio.as_ref().is_some_and(Virtio::must_close)
    }
}

impl Port for WindowsPort {
    fn path(&self) -> &Path {
        &self.path
    }

    fn host(&self) -> Option<bool> {
        self.virtio.as_ref().map(|virtio| virtio.host_now(&self.pipe))
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        let Some(virtio) = &mut self.virtio else { return Self::edges(&self.pipe, self.full).await };
        let host = virtio.host();
        tokio::select! {
            () = virtio.time_to_look() => Ok(virtio.look(&self.pipe)),
            // With the host away a read would end at once, for ever.
            ready = Self::edges(&self.pipe, self.full), if host => Ok(Ready { host: Some(true), ..ready? }),
        }
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        if self.must_close() {
            return ReadOutcome::Gone;
        }
        match self.pipe.try_read(buffer) {
            Ok(0) => ReadOutcome::Gone,
            Ok(count) => ReadOutcome::Data(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => ReadOutcome::WouldBlock,
            Err(error) => self.read_failed(error),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        if self.virtio.as_mut().is_some_and(|virtio| !virtio.may_write(&self.pipe)) {
            return WriteOutcome::WouldBlock;
        }
        let outcome = self.pipe.try_write(bytes.get(..MAX_WRITE_BYTES).unwrap_or(bytes));
        self.full = matches!(&outcome, Err(error) if error.kind() == ErrorKind::WouldBlock);
        match outcome {
            Ok(0) => WriteOutcome::WouldBlock,
            Ok(count) => WriteOutcome::Wrote(count),
            Err(_) if self.full => WriteOutcome::WouldBlock,
            Err(error) => self.write_failed(error),
        }
    }
}

fn meaning(error: &io::Error) -> IoMeaning {
    error.raw_os_error().map_or(IoMeaning::Failed, |code| io_meaning(code.cast_unsigned()))
}
