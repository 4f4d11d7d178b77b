//! The Unix socket of a machine's channel.

use super::stream::{self, Reader, Writer};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;

/// How long a socket may take to accept; a Unix socket's listener takes at once, or its queue is full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to it; an error says what to check.
pub(in crate::client) async fn connect(path: &Path) -> io::Result<(Reader, Writer)> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(path)).await;
    let result = connected.unwrap_or_else(|_late| Err(ErrorKind::TimedOut.into()));
    result.map(stream::unix).map_err(|error| io::Error::new(error.kind(), advice(&error)))
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
