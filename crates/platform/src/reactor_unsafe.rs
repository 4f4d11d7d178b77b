//! The one unsafe call of the transport: handing a descriptor to tokio's reactor.
#![allow(unsafe_code)]

use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that the reactor watches. It is lent only as a shared reference, so nobody can replace or close it while it is
/// registered.
#[derive(Debug)]
pub struct Registered(AsyncFd<OwnedFd>);

impl Deref for Registered {
    type Target = AsyncFd<OwnedFd>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Registers a descriptor for reading only; needs a tokio runtime.
pub fn register(fd: OwnedFd) -> io::Result<Registered> {
    register_for(fd, Interest::READABLE)
}

/// Registers a descriptor for `POLLPRI` only, by which the kernel's files tell that they changed; needs a tokio runtime.
pub(crate) fn register_for_changes(fd: OwnedFd) -> io::Result<Registered> {
    register_for(fd, Interest::PRIORITY)
}

fn register_for(fd: OwnedFd, interest: Interest) -> io::Result<Registered> {
    // SAFETY: an `OwnedFd` is open, always gives the same number, and closes only when the `AsyncFd` that owns it does;
    // `Registered` lends that one as `&AsyncFd` alone, by which it can be neither taken out nor replaced.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(Registered(registered?))
}
