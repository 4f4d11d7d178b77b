//! What kind of device an open descriptor is.

use super::super::outcome::Outcome;
use rustix::fs::{FileType, major, minor};
use std::os::fd::BorrowedFd;
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
pub fn of(fd: BorrowedFd<'_>, rdev: u64, resolved: &Path, sys: &Path) -> Result<Kind, Outcome> {
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
        Err(_) => super::super::candidates::number(resolved).is_some(),
    }
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
}
