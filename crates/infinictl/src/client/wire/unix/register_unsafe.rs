//! A descriptor in tokio's event loop; unsafe, as the loop has to trust that it stays open.
#![allow(unsafe_code)]

use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// A descriptor in the event loop. It is lent only as a shared reference, so nobody can replace or close it meanwhile.
#[derive(Debug)]
pub(in crate::client) struct Registered(AsyncFd<OwnedFd>);

impl Deref for Registered {
    type Target = AsyncFd<OwnedFd>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Registers a descriptor for reading and writing.
pub(super) fn register(fd: OwnedFd) -> io::Result<Registered> {
    // SAFETY: an `OwnedFd` is open as long as it lives and its number never changes; the `AsyncFd` owns it, and
    // `Registered` lends that as `&AsyncFd` alone, by which it can be neither taken out nor replaced.
    let registered = unsafe { AsyncFd::register(fd) };
    Ok(Registered(registered?))
}
