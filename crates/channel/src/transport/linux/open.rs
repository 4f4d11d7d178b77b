//! Opening one device by its path.

use super::super::outcome::Outcome;
use super::super::vsock;
use super::node::{self, Kind};
use super::vsock::VsockPort;
use super::{LinuxPort, access_of};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Opens `path` for the link; needs a tokio runtime.
///
/// `read_timeout_ms` has no place here: every device that is taken can be waited on. What cannot be (`epoll_ctl` says
/// `EPERM`: regular files, /dev/null) is refused rather than polled, since no virtio port or terminal is among it.
pub fn open(path: &Path, sys: &Path) -> Result<LinuxPort, Outcome> {
    let (fd, kind) = open_descriptor(path, sys)?;
    if kind == Kind::Terminal {
        // A virtio port takes one opener; a terminal takes all, and two agents on it would tear each other's lines.
        rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            Errno::WOULDBLOCK => Outcome::Busy,
            other => failed("locking", &other.into()),
        })?;
        node::set_raw(fd.as_fd()).map_err(|error| failed("setting raw mode", &error))?;
    }
    LinuxPort::new(fd, kind, path.into()).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::PERM) => Outcome::Refused("a device that does not support polling".into()),
        _ => failed("waiting on the device", &error),
    })
}

/// Opens `path` non-blocking and says what it is; changes nothing on it.
pub(super) fn open_descriptor(path: &Path, sys: &Path) -> Result<(OwnedFd, Kind), Outcome> {
    let before = rustix::fs::stat(path).map_err(|error| outcome_of(error, path, sys))?;
    node::check_type(before.st_mode)?;
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| outcome_of(error, path, sys))?;
    let opened = rustix::fs::fstat(&fd).map_err(|error| failed("fstat", &error.into()))?;
    node::check_type(opened.st_mode)?;
    let resolved = path.canonicalize().unwrap_or_else(|_| path.into());
    let kind = node::kind_of(fd.as_fd(), opened.st_rdev, &resolved, sys)?;
    Ok((fd, kind))
}

/// Whether a host is connected to a virtio port, found by opening it for a moment; `None` on a terminal.
/// Whatever the host had sent is lost by the closing: only for a port that nobody uses.
pub fn probe(path: &Path, sys: &Path) -> Result<Option<bool>, Outcome> {
    if let Some(spelled) = vsock::spelled(path) {
        let address = spelled.map_err(Outcome::Refused)?;
        return VsockPort::try_out(address).map(|()| None);
    }
    let (fd, kind) = open_descriptor(path, sys)?;
    Ok((kind == Kind::VirtioPort).then(|| !super::port::is_hung_up(&fd)))
}

/// Meaning of the errors of open(2) on a port (`port_fops_open` in `drivers/char/virtio_console.c`) or a terminal.
fn outcome_of(error: Errno, path: &Path, sys: &Path) -> Outcome {
    match error {
        Errno::NOENT | Errno::NODEV | Errno::NOTDIR => Outcome::Absent,
        Errno::BUSY => Outcome::Busy,
        Errno::ACCESS | Errno::PERM => access_of(path),
        Errno::NXIO if is_plugged(path, sys) => Outcome::Console,
        Errno::NXIO => Outcome::Going,
        Errno::IO => Outcome::PeerClosed,
        Errno::MFILE => {
            Outcome::Failed("too many open files (on old kernels: another program holds the port)".into())
        }
        other => Outcome::Failed(io::Error::from(other).to_string()),
    }
}

/// Whether the driver still has the port of this node: it takes a port out of sysfs before udev removes its node
/// (`unplug_port`). Both a console's port and one that is gone cannot be opened, with the same error.
fn is_plugged(path: &Path, sys: &Path) -> bool {
    let node = path.canonicalize().unwrap_or_else(|_| path.into());
    node.file_name().is_some_and(|name| sys.join("class/virtio-ports").join(name).exists())
}

fn failed(doing: &str, error: &io::Error) -> Outcome {
    Outcome::Failed(format!("{doing}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_going_is_not_called_a_console() {
        let root = tempfile::tempdir().unwrap();
        let (node, sys) = (root.path().join("vport0p1"), root.path().join("sys"));
        std::fs::write(&node, "").unwrap();
        assert_eq!(outcome_of(Errno::NXIO, &node, &sys), Outcome::Going);
        std::fs::create_dir_all(sys.join("class/virtio-ports/vport0p1")).unwrap();
        assert_eq!(outcome_of(Errno::NXIO, &node, &sys), Outcome::Console);
    }
}
