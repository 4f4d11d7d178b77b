//! Who is at the other end of a socket, as the kernel says.

use rustix::net::sockopt::socket_peercred;
use std::os::fd::AsFd;

/// A client of one of the hub's sockets.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// Its user.
    pub(super) uid: u32,
    /// Its process; 0 where it is another PID namespace's.
    pub(super) pid: i32,
    /// Whether it may change something: root, and the hub's own user.
    pub(super) may_change: bool,
}

impl Actor {
    /// The one behind a connection.
    pub(super) fn of(stream: impl AsFd) -> Result<Self, String> {
        let peer = socket_peercred(stream).map_err(|error| format!("cannot tell who connects: {error}"))?;
        let uid = peer.uid.as_raw();
        let own = rustix::process::geteuid().as_raw();
        Ok(Self { uid, pid: peer.pid.as_raw_pid(), may_change: [0, own].contains(&uid) })
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "uid {} (pid {})", self.uid, self.pid)
    }
}
