//! Unix: sockets, and pseudo-terminals for agents of our own.

mod child;
mod parent_death_unsafe;
pub mod pty;
mod register_unsafe;
mod socket;
mod stream;

pub(in crate::client) use child::{environment, spawn, terminate};
pub(in crate::client) use pty::open as open_pair;
pub(in crate::client) use socket::connect;
pub(in crate::client) use stream::{Reader, Writer, pty as split};

use std::os::fd::OwnedFd;

/// A machine's channel, before its path.
pub(in crate::client) const CHANNEL: &str = "the socket";
/// The host's end of a pseudo-terminal.
pub type Master = OwnedFd;
/// The guest's end of one.
pub(in crate::client) type Slave = OwnedFd;
