//! The two unsafe calls on Unix: a child that does not outlive its parent, as all that runs between fork and
//! exec is unsafe, and a descriptor in tokio's event loop, which has to trust that it stays open.
#![allow(unsafe_code)]

use rustix::process::{Signal, set_parent_process_death_signal};
use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;
use tokio::process::Command;

/// Sends the child SIGTERM when the thread that started it ends, however it ends. Without it an agent whose parent was
/// killed would wait for ever for its pseudo-terminal, and speak to whoever is given that number next.
pub(super) fn end_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only prctl(2) is called, which is async-signal-safe; nothing is allocated or locked.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
    }
}

/// A descriptor in the event loop. It is lent only as a shared reference, so nobody can replace or close it meanwhile.
#[derive(Debug)]
pub(crate) struct Registered(AsyncFd<OwnedFd>);

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
