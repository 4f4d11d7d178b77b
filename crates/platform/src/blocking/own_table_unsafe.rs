//! `unshare(CLONE_FILES)`: the kernel closes a table of descriptors once no thread uses it, and a thread that hangs in the
//! kernel uses its own even after SIGKILL.
#![allow(unsafe_code)]

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::io::{close, fcntl_getfd};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Standard streams, which stay.
const FIRST: RawFd = 3;
/// Numbers that are closed where `/proc` does not say which are open.
const AT_MOST: RawFd = 1024;
const DIRECTORY_BYTES: usize = 4096;

/// Gives the calling thread a table of its own with nothing in it but the standard streams. Where the kernel refuses, it
/// goes on with the process' table.
pub fn take() {
    // SAFETY: the thread has only begun: it owns no descriptor, and what it is to do brings none along (the rule of the
    // lanes that this is called for). So no number that it will use was meant for the process' table.
    if unsafe { unshare_unsafe(UnshareFlags::FILES) }.is_err() {
        return;
    }
    let Some(numbers) = listed() else {
        // `/proc` is hidden, or the table is full: what is closed here makes room.
        close_open(FIRST..AT_MOST);
        return close_open(listed().unwrap_or_default().into_iter());
    };
    close_open(numbers.into_iter());
}

/// Closes those of the numbers that are open: rustix takes a failing close(2) for a fault of its caller, and panics where
/// debug assertions are on.
fn close_open(numbers: impl Iterator<Item = RawFd>) {
    for fd in numbers {
        // SAFETY: the number is only asked about; one that is not open is refused by the kernel.
        if fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) }).is_ok() {
            // SAFETY: the copy in this thread's own table, which nothing refers to; the process' table keeps its own.
            unsafe { close(fd) };
        }
    }
}

fn listed() -> Option<Vec<RawFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, c"/proc/thread-self/fd", flags, Mode::empty()).ok()?;
    let mut numbers = Vec::new();
    let mut buffer = [MaybeUninit::uninit(); DIRECTORY_BYTES];
    let mut entries = RawDir::new(&directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        numbers.extend(entry.file_name().to_str().ok().and_then(|name| name.parse::<RawFd>().ok()));
    }
    numbers.retain(|fd| *fd >= FIRST && *fd != directory.as_raw_fd());
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, read_dir};
    use std::sync::mpsc::channel;

    /// A full table leaves no number for a look into `/proc`.
    #[test]
    fn numbers_that_are_not_open_are_passed_over() {
        let _held = File::open("/proc/self/stat").unwrap();
        let thread = std::thread::spawn(|| {
            // SAFETY: this thread has only begun, and owns no descriptor.
            unsafe { unshare_unsafe(UnshareFlags::FILES) }.unwrap();
            close_open(FIRST..AT_MOST);
            listed().unwrap()
        });
        assert_eq!(thread.join().unwrap(), [] as [RawFd; 0]);
    }

    #[test]
    fn a_thread_with_a_table_of_its_own_keeps_nothing_of_the_process_open() {
        let _held = File::open("/proc/self/stat").unwrap();
        let (tell, told) = channel();
        let (release, wait) = channel::<()>();
        let thread = std::thread::spawn(move || {
            take();
            tell.send(rustix::thread::gettid()).unwrap();
            let _ = wait.recv();
        });
        let of_thread = format!("/proc/self/task/{}/fd", told.recv().unwrap().as_raw_nonzero());
        let open = |directory: &str| {
            let names = read_dir(directory).unwrap().flatten().map(|entry| entry.file_name());
            names.filter(|name| name.to_str().unwrap().parse::<RawFd>().unwrap() >= FIRST).count()
        };
        assert_eq!(open(&of_thread), 0);
        assert!(open("/proc/self/fd") > 0);
        drop(release);
        thread.join().unwrap();
    }
}
