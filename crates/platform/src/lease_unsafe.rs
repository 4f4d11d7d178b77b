//! Whether anybody has a file open, by the kernel's own count: fcntl(2)'s write lease, which it gives only for a file that
//! nobody else has open or mapped. That holds on every file system that knows leases, whatever device number it shows,
//! and also for descriptors that no process has in its table, such as those under way over a socket.
#![allow(unsafe_code)]

use rustix::process::Signal;
use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `linux/fcntl.h`.
const F_SETLEASE: c_int = 1024;
const F_SETSIG: c_int = 10;
const F_WRLCK: c_int = 1;
const F_UNLCK: c_int = 2;

unsafe extern "C" {
    /// Of the C library.
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
}

/// Whether somebody besides this descriptor has the file open; `None` where the file system does not tell.
pub fn is_open_elsewhere(file: BorrowedFd<'_>) -> Option<bool> {
    // Whoever opens the file during the lease has a signal sent: one that is ignored, where the default would end the process.
    if !command(file, F_SETSIG, Signal::URG.as_raw()) {
        return None;
    }
    if command(file, F_SETLEASE, F_WRLCK) {
        command(file, F_SETLEASE, F_UNLCK);
        return Some(false);
    }
    (io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock).then_some(true)
}

fn command(file: BorrowedFd<'_>, command: c_int, argument: c_int) -> bool {
    // SAFETY: the descriptor is open, and these commands take a number and touch no memory.
    unsafe { fcntl(file.as_raw_fd(), command, argument) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsFd;

    #[test]
    fn a_file_is_open_elsewhere_for_as_long_as_anybody_has_it_open_for_reading_or_writing() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let own = File::open(&path).unwrap();
        assert_eq!(is_open_elsewhere(own.as_fd()), Some(false));
        for writes in [false, true] {
            let other = OpenOptions::new().read(!writes).append(writes).open(&path).unwrap();
            assert_eq!(is_open_elsewhere(own.as_fd()), Some(true));
            drop(other);
            assert_eq!(is_open_elsewhere(own.as_fd()), Some(false));
        }
    }
}
