//! The two halves of a connection: of this system's channels, or of what a hub elsewhere passes on.

use crate::hub::Wire;
use crate::sys::{Reader, Writer};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};

/// The reading half.
pub(super) enum Incoming {
    System(Reader),
    Hub(ReadHalf<Wire>),
}

/// The writing half.
pub(super) enum Outlet {
    System(Writer),
    Hub(WriteHalf<Wire>),
}

/// Both halves of this system's channels.
pub(super) fn of_system((reader, writer): (Reader, Writer)) -> (Incoming, Outlet) {
    (Incoming::System(reader), Outlet::System(writer))
}

/// Both halves of a wire through a hub elsewhere.
pub(super) fn of_hub(wire: Wire) -> (Incoming, Outlet) {
    let (reader, writer) = tokio::io::split(wire);
    (Incoming::Hub(reader), Outlet::Hub(writer))
}

impl Incoming {
    /// What has come; 0 when the other end is gone. Nothing is lost when the future is dropped.
    pub(super) async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::System(reader) => reader.read(buf).await,
            Self::Hub(half) => half.read(buf).await,
        }
    }
}

impl Outlet {
    /// Writes all of it, as fast as the other end takes it.
    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::System(writer) => writer.write_all(bytes).await,
            Self::Hub(half) => {
                half.write_all(bytes).await?;
                half.flush().await
            }
        }
    }
}
