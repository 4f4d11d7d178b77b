//! A pipe for an agent of our own.

use super::{Master, Slave};
use std::io;
use std::path::PathBuf;
use tokio::net::windows::named_pipe::ServerOptions;

/// Both ends of a pipe.
#[derive(Debug)]
pub(in crate::client) struct Pair {
    pub(in crate::client) master: Master,
    pub(in crate::client) slave: Slave,
    /// The guest's end by name.
    pub(in crate::client) path: PathBuf,
}

/// Makes a pipe under a new name, for one client of this machine.
pub(in crate::client) fn open_pair() -> io::Result<Pair> {
    let path = PathBuf::from(format!(r"\\.\pipe\infinictl-{:016x}", fastrand::u64(..)));
    let mut options = ServerOptions::new();
    options.first_pipe_instance(true).max_instances(1).reject_remote_clients(true);
    Ok(Pair { master: options.create(&path)?, slave: Slave, path })
}
