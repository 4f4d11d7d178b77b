//! Windows: named pipes, QEMU's and those for agents of our own.

mod child;
mod job_unsafe;
mod pair;
mod pipe;

pub(in crate::client) use child::{environment, spawn, terminate};
pub(in crate::client) use pair::open_pair;
pub(in crate::client) use pipe::{Reader, Writer, connect, split};

use tokio::net::windows::named_pipe::NamedPipeServer;

/// A machine's channel, before its path.
pub(in crate::client) const CHANNEL: &str = "the pipe";
/// The host's end of a pipe.
pub type Master = NamedPipeServer;
/// A pipe needs nobody who holds the guest's end open.
#[derive(Debug)]
pub(in crate::client) struct Slave;
