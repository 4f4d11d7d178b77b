//! The bulk port beside the connection: its lines are read as if they had come there.

use super::shared::Shared;
use super::tasks::{CHUNK_BYTES, Lines, Outgoing, take_chunk};
use crate::sys::{self, Reader, Writer};
use infiniservice_protocol::guest::{ChannelRole, GuestMessage};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the name of the bulk port's socket adds to that of the first port's.
const SUFFIX: &str = ".bulk";

/// Where the guest's bulk port is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Its socket, or named pipe.
    pub path: PathBuf,
    /// Whether there is no connection without it; else it is used where it can be.
    pub required: bool,
}

impl Bulk {
    /// The one beside a channel's socket, by its name: `SOCKET.bulk`.
    pub fn beside(socket: &Path) -> Self {
        let mut path = OsString::from(socket);
        path.push(SUFFIX);
        Self { path: path.into(), required: false }
    }

    /// Whether a socket's name is that of a bulk port.
    pub fn is_named(socket: &Path) -> bool {
        socket.to_str().is_some_and(|path| path.ends_with(SUFFIX))
    }

    pub(super) async fn connect(&self) -> io::Result<Option<(Reader, Writer)>> {
        if !self.required && !self.path.exists() {
            return Ok(None);
        }
        match sys::connect(&self.path).await {
            Err(error) if self.required => {
                Err(io::Error::new(error.kind(), format!("its bulk port {}: {error}", self.path.display())))
            }
            opened => Ok(opened.ok()),
        }
    }
}

/// Reads the port until it ends, which ends nothing else: the guest then goes on over the first port. The first byte sent is a
/// newline, by which the guest knows of a new host; what comes before `channel` is a predecessor's.
pub(super) async fn read_loop(
    port: (Reader, Writer),
    answers: mpsc::WeakSender<Outgoing>,
    shared: Arc<Shared>,
) {
    // The writer is kept: without it the other end would take the connection for closed.
    let (mut reader, mut writer) = port;
    if writer.write_all(b"\n").await.is_err() {
        return;
    }
    let mut lines = Lines::new(shared.compress);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut begun = false;
    while let Ok(count @ 1..) = reader.read(&mut chunk).await {
        let bytes = chunk.get(..count).unwrap_or_default();
        take_chunk(&mut lines, bytes, &answers, &shared, |event| {
            if let Some(GuestMessage::Channel(start)) = event.message() {
                begun = start.role == ChannelRole::Bulk;
                shared.count(|stats| stats.has_bulk |= begun);
                return false;
            }
            shared.count(|stats| stats.bulk_lines += u64::from(begun));
            begun
        });
    }
    drop(writer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_of_the_bulk_port_has_the_name_of_the_first_ones_and_bulk() {
        let bulk = Bulk::beside(Path::new("/run/x/org.infinibay.agent"));
        assert_eq!(bulk.path, Path::new("/run/x/org.infinibay.agent.bulk"));
        assert!(!bulk.required && Bulk::is_named(&bulk.path));
        assert!(!Bulk::is_named(Path::new("/run/x/org.infinibay.agent.0")));
    }
}
