//! There is no hub on Windows, and so none of its sockets: one elsewhere is reached over TCP.

use std::io;
use std::path::Path;
use tokio::io::DuplexStream;

/// Says so.
#[allow(clippy::unused_async, reason = "as on Unix")]
pub(super) async fn connect(_path: &Path) -> io::Result<DuplexStream> {
    let error = "infinihub runs on Linux only; name one elsewhere with --hub https://HOST:PORT";
    Err(io::Error::new(io::ErrorKind::Unsupported, error))
}
