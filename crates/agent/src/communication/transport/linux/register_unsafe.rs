//! The one unsafe call of the transport: handing a descriptor to tokio's reactor.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor for reading only; needs a tokio runtime.
pub fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    register_for(fd, Interest::READABLE)
}

/// Registers a descriptor for `POLLPRI` only, by which the kernel's files tell that they changed; needs a tokio runtime.
pub fn register_for_changes(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    register_for(fd, Interest::PRIORITY)
}

fn register_for(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, always gives the same number, and closes only when the `AsyncFd` that owns it does;
    // the users of this module never take it out or replace it.
    unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(Into::into)
}
