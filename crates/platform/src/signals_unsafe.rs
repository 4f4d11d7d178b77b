//! Signals as a program finds them that a terminal started: whoever started this one may have ignored or blocked some, which
//! goes through execve(2). With SIGCHLD ignored the exit codes of commands are lost, with all blocked SIGTERM is not heard.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;

/// signal(7): 1 to 31, and the real-time signals to 64.
const SIGNALS: std::ops::RangeInclusive<libc::c_int> = 1..=64;

/// Gives each signal that is ignored its default action, but for SIGPIPE, which Rust's runtime ignores on purpose; blocks none.
/// To be called before there is a second thread.
pub fn reset() {
    for signal in SIGNALS.filter(|signal| *signal != libc::SIGPIPE) {
        if is_ignored(signal) {
            // SAFETY: no handler is installed, the default action is; other threads are not there yet to rely on the old one.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` writes the whole set that the pointer leads to, which the second call only reads; a null pointer
    // asks for no old mask (sigprocmask(2)).
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}

/// Numbers that the system's library keeps for itself, or that cannot be ignored, are none.
fn is_ignored(signal: libc::c_int) -> bool {
    let mut now = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action nothing is changed; the old one is written where the pointer leads, which is large enough, and
    // all zeroes are a valid value of it where nothing is written.
    let now = unsafe {
        libc::sigaction(signal, ptr::null(), now.as_mut_ptr());
        now.assume_init()
    };
    now.sa_sigaction == libc::SIG_IGN
}
