//! Descriptors that a service manager gives to this process at its start (`sd_listen_fds(3)`).
#![allow(unsafe_code)]

use rustix::io::{FdFlags, fcntl_getfd};
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// The first of them, `SD_LISTEN_FDS_START`.
const FIRST: RawFd = 3;
/// More are never given.
const MAX: RawFd = 65_536;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the descriptors from 3 on, `count` of them at most. The program calls this before it opens anything itself; from the
/// second call on, and where a descriptor is not open or not meant to be closed on execution, there are none.
pub fn take(count: usize) -> Vec<OwnedFd> {
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Vec::new();
    }
    let end = RawFd::try_from(count).unwrap_or(MAX).min(MAX).saturating_add(FIRST);
    let given = (FIRST..end).take_while(|fd| is_given(*fd));
    // SAFETY: these descriptors are open, were opened before this program began, and are taken by nobody else: the flag
    // lets this run once.
    given.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect()
}

/// Whether it is open, and marked by whoever read the variables of `sd_listen_fds(3)`.
fn is_given(fd: RawFd) -> bool {
    // SAFETY: only its flags are asked for, in this call; one that is not open is an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl_getfd(borrowed).is_ok_and(|flags| flags.contains(FdFlags::CLOEXEC))
}
