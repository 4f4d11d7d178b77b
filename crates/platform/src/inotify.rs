//! inotify(7), as far as all who watch directories need it: each has its own masks, and its own view of which events matter.

use rustix::fs::inotify::{CreateFlags, Event, ReadFlags, Reader, init};
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// Room for some 50 events of names of ordinary length; the rest is read in the next turn.
const BUFFER_BYTES: usize = 4096;

/// Events or a directory were lost: what matters then can only be found by a look.
pub const LOST: ReadFlags = ReadFlags::QUEUE_OVERFLOW
    .union(ReadFlags::DELETE_SELF)
    .union(ReadFlags::MOVE_SELF)
    .union(ReadFlags::UNMOUNT);

/// A watch of nothing yet, whose reads never wait.
///
/// # Errors
/// The kernel gives none: the user's instances or the process's descriptors are used up.
pub fn open() -> io::Result<OwnedFd> {
    Ok(init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?)
}

/// Reads every pending event; whether any matters.
///
/// # Errors
/// The watch cannot be read any more.
pub fn drain(inotify: &OwnedFd, mut matters: impl FnMut(&Event<'_>) -> bool) -> io::Result<bool> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
    let mut reader = Reader::new(inotify, &mut buffer);
    let mut any = false;
    loop {
        match reader.next() {
            Ok(event) => any |= matters(&event),
            Err(Errno::AGAIN) => return Ok(any),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::inotify::{WatchFlags, add_watch};

    #[test]
    fn all_events_are_read_and_one_that_matters_is_enough() {
        let directory = tempfile::tempdir().expect("a directory");
        let inotify = open().expect("a watch");
        assert!(!drain(&inotify, |_| true).expect("readable"), "nothing happened yet");
        add_watch(&inotify, directory.path(), WatchFlags::CREATE).expect("watched");
        for n in 0..200 {
            std::fs::write(directory.path().join(format!("file-{n}")), "").expect("written");
        }
        let mut seen = 0;
        let first = drain(&inotify, |event| {
            seen += 1;
            event.file_name().is_some_and(|name| name.to_bytes() == b"file-0")
        });
        assert!(first.expect("readable"));
        assert_eq!(seen, 200);
        assert!(!drain(&inotify, |_| true).expect("readable"), "all were read");
    }
}
