//! The transport of `--no-virtio`: no device, ever.

use super::{Port, ReadOutcome, Ready, Transport, WriteOutcome};
use infiniservice_link::OpenFailure;
use std::future::{Future, pending};
use std::io;
use std::path::Path;

/// Never finds a device and never announces one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTransport;

/// The port of [`NoTransport`]: a type without values, since none is ever opened.
#[derive(Debug)]
pub enum NoPort {}

impl Transport for NoTransport {
    type Port = NoPort;

    fn open(&mut self) -> Result<NoPort, OpenFailure> {
        Err(OpenFailure::Absent)
    }

    fn changed(&mut self) -> impl Future<Output = ()> {
        pending()
    }
}

impl Port for NoPort {
    fn path(&self) -> &Path {
        match *self {}
    }

    fn host(&self) -> Option<bool> {
        match *self {}
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        match *self {}
    }

    fn try_read(&mut self, _buffer: &mut [u8]) -> ReadOutcome {
        match *self {}
    }

    fn try_write(&mut self, _bytes: &[u8]) -> WriteOutcome {
        match *self {}
    }
}
