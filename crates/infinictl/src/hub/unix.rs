//! The hub's Unix socket.

use std::io;
use std::path::Path;
use tokio::net::UnixStream;

/// Connects to it; an error says what to check.
pub(super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    let connected = UnixStream::connect(path).await;
    connected.map_err(|error| io::Error::new(error.kind(), advice(&error)))
}

fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket; is infinihub running?".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens on it; is infinihub running?".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; run as root, or as a member of its group".to_owned()
        }
        _ => error.to_string(),
    }
}
