//! The journal's native protocol: fields over a datagram socket (systemd.journal-fields(7), "Native Journal Protocol").

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

const SOCKET: &str = "/run/systemd/journal/socket";

/// The way to a journal.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// The journal of this machine.
    ///
    /// # Errors
    /// Where there is none.
    pub fn open() -> io::Result<Self> {
        Self::at(Path::new(SOCKET))
    }

    /// The journal at this socket.
    ///
    /// # Errors
    /// Where there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { socket: connected(path)?, path: path.to_owned() })
    }

    /// Writes one entry. A journal that does not keep up, or is gone, is an error, and nothing waits for it.
    ///
    /// # Errors
    /// Where the journal has not taken it.
    pub fn send(&self, fields: &[(&str, &str)]) -> io::Result<()> {
        let datagram: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
        // The journal may have been started anew: a socket of its own for each such case.
        let sent = self.socket.send(&datagram);
        sent.or_else(|_| connected(&self.path)?.send(&datagram)).map(drop)
    }
}

fn connected(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A journal that does not keep up must stop nobody.
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

/// With its length in front, so that no value can begin a field of its own.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = format!("{name}\n").into_bytes();
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend(value.as_bytes());
    bytes.push(b'\n');
    bytes
}
