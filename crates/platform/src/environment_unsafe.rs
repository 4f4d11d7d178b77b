//! Overwrites a variable where it stands: in the block on the stack that execve(2) made, which `proc_pid_environ(5)` shows.
//! Removing a variable only takes its pointer out of a list.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt as _;
use std::ptr;

unsafe extern "C" {
    /// environ(7): the variables' pointers, ended by a null pointer.
    static mut environ: *mut *mut c_char;
}

/// Zeroes the value in place and removes the variable. With other threads, which might read it meanwhile, nothing is done.
pub fn forget(name: &OsStr) {
    if !is_single_threaded() {
        log::error!("{} stays in the environment: it is too late to remove it", name.display());
        return;
    }
    // SAFETY: there is one thread, this one, so that nobody reads or changes the environment meanwhile.
    unsafe {
        overwrite(name.as_bytes());
        std::env::remove_var(name);
    }
}

/// proc(5): one directory for each thread. Where it cannot be read, `environ` cannot either.
fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// # Safety
/// No other thread may read or change the environment.
unsafe fn overwrite(name: &[u8]) {
    // SAFETY: `environ` is null or points to pointers to strings that end with NUL, the last pointer being null; they lie
    // in memory that may be written (environ(7), putenv(3)), and nobody else uses them. No more than the string's own bytes
    // before its NUL are written, which keeps it a string.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let text = CStr::from_ptr(*entry).to_bytes();
            if text.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"=")) {
                let (from, to) = (name.len() + 1, text.len());
                // Volatile, or else the compiler may leave out writes that nobody reads.
                (from..to).for_each(|at| ptr::write_volatile((*entry).add(at), 0));
            }
            entry = entry.add(1);
        }
    }
}
