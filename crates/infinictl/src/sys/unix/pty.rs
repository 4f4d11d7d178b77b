//! Pseudo-terminals that carry bytes unchanged.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// Both ends of a pseudo-terminal in raw mode.
#[derive(Debug)]
pub struct PtyPair {
    /// The host's end.
    pub master: OwnedFd,
    /// The guest's end. While it is open the terminal keeps its raw mode, and the master sees no hang-up when
    /// an agent closes and opens it.
    pub slave: OwnedFd,
    /// The guest's end by name: `/dev/pts/N`.
    pub path: PathBuf,
}

/// Opens a pair in raw mode.
///
/// # Errors
/// Those of `posix_openpt(3)` and `tcsetattr(3)`.
pub fn open() -> io::Result<PtyPair> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ioctl_tiocgptpeer(&master, flags)?;
    make_raw(&slave)?;
    let path = ptsname(&master, Vec::new())?.into_string().map_err(io::Error::other)?;
    Ok(PtyPair { master, slave, path: path.into() })
}

/// No echo, no line editing, no translation of bytes, no signals.
fn make_raw(terminal: &OwnedFd) -> io::Result<()> {
    let mut modes = tcgetattr(terminal)?;
    modes.make_raw();
    Ok(tcsetattr(terminal, OptionalActions::Now, &modes)?)
}

/// Reads and writes on it return instead of waiting.
pub(super) fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&fd)?;
    Ok(fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?)
}
