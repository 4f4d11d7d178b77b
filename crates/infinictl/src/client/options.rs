//! How a client speaks to a guest.

use infiniservice_protocol::sealed::HostEnd;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// How to speak to a guest.
#[derive(Default)]
pub struct Options {
    /// The guest's `shared_secret`: what is sent is signed with it.
    pub secret: Option<String>,
    /// The keys by which lines are sealed, of a guest that has `controller_keys`; then nothing is signed.
    pub seal: Option<Box<HostEnd>>,
    /// Ask for compressed lines, which the client then reads as if they had come as they are. An agent that knows nothing of them
    /// goes on with plain ones.
    pub compress: bool,
    /// The guest's bulk port, of an endpoint that is a channel, a vsock port or a pseudo-terminal.
    pub bulk: Option<Bulk>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("compress", &self.compress)
            .field("bulk", &self.bulk)
            .finish_non_exhaustive()
    }
}

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
