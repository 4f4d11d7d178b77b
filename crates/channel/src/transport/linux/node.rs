//! What a device node is: which kind of device, who owns it in words a person can act on, and raw mode for pseudo-terminals and
//! serial lines: bytes pass unchanged, nothing is echoed.

use crate::transport::outcome::Outcome;
use infiniservice_platform::linux::accounts;
use rustix::fs::{FileType, major, minor};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A device that can carry the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A virtio port: tells whether a host is connected (`drivers/char/virtio_console.c`).
    VirtioPort,
    /// A pseudo-terminal or serial line: cannot tell.
    Terminal,
}

/// Refuses what is plainly not a character device, before it is opened: opening a FIFO or a tape has side effects.
pub fn check_type(mode: u32) -> Result<(), Outcome> {
    let what = match FileType::from_raw_mode(mode) {
        FileType::CharacterDevice => return Ok(()),
        FileType::Fifo => "a FIFO",
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::BlockDevice => "a block device",
        FileType::Socket => "a socket",
        _ => "not a device",
    };
    Err(Outcome::Refused(format!("{what}; a virtio port, a pseudo-terminal or a serial line is needed")))
}

/// Tells terminals and virtio ports apart; every other character device is refused.
pub fn kind_of(fd: BorrowedFd<'_>, rdev: u64, resolved: &Path, sys: &Path) -> Result<Kind, Outcome> {
    if rustix::termios::isatty(fd) {
        return Ok(Kind::Terminal);
    }
    if is_virtio_port(rdev, resolved, sys) {
        return Ok(Kind::VirtioPort);
    }
    Err(Outcome::Refused("a character device that is neither a virtio port nor a terminal".into()))
}

/// By the device's class in sysfs, else by the node's name, which the kernel gives (`vportNpM`).
fn is_virtio_port(rdev: u64, resolved: &Path, sys: &Path) -> bool {
    let class = sys.join(format!("dev/char/{}:{}/subsystem", major(rdev), minor(rdev)));
    match class.read_link() {
        Ok(target) => target.ends_with("virtio-ports"),
        Err(_) => crate::transport::candidates::number(resolved).is_some(),
    }
}

/// Of passwd(5) and group(5) so much is searched for a name; beyond, the number is told.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// `user:group` and permission bits of what a path leads to.
pub fn owner_of(path: &Path) -> Option<(String, u32)> {
    let meta = fs::metadata(path).ok()?;
    let user = name_of("/etc/passwd", meta.uid());
    let group = name_of("/etc/group", meta.gid());
    Some((format!("{user}:{group}"), meta.mode() & 0o7777))
}

/// The outcome of `EACCES` on a path.
pub fn access_of(path: &Path) -> Outcome {
    let (owner, mode) = owner_of(path).unwrap_or_else(|| ("unknown".into(), 0));
    Outcome::Denied { owner, mode, uid: rustix::process::geteuid().as_raw() }
}

/// The name of an id in a file of the passwd(5) or group(5) format, else the number.
fn name_of(file: &str, id: u32) -> String {
    let mut bytes = Vec::new();
    // What was read until an error is good for a name.
    let _ = fs::File::open(file).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    accounts::name_of(&bytes, id).unwrap_or_else(|| id.to_string())
}

/// Sets raw mode, ignoring the carrier of serial lines. The speed stays as it was set.
/// Input that has come already is kept. `VMIN` becomes 1, so a read without data is `EAGAIN` and never 0 bytes.
pub fn set_raw(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut modes = tcgetattr(fd)?;
    modes.make_raw();
    modes.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    tcsetattr(fd, OptionalActions::Now, &modes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_fifos_and_directories_are_refused_by_what_they_are() {
        for (mode, what) in [(0o010_600, "a FIFO"), (0o100_644, "a regular file"), (0o040_755, "a directory")]
        {
            let Err(Outcome::Refused(text)) = check_type(mode) else { panic!("{what} was taken") };
            assert!(text.starts_with(what), "{text}");
        }
        assert_eq!(check_type(0o020_600), Ok(()));
    }

    #[test]
    fn a_node_of_root_is_named_so() {
        assert_eq!(owner_of(Path::new("/dev/null")).map(|(owner, _)| owner), Some("root:root".to_owned()));
    }
}
