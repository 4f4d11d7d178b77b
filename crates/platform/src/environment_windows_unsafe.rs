//! Removes a variable where the system itself keeps the environment and shows it to administrators only.
#![allow(unsafe_code)]

use std::ffi::OsStr;

/// Removes the variable.
pub fn forget(name: &OsStr) {
    // SAFETY: on Windows the variables are guarded by a lock of the system's, whatever the number of threads
    // (`std::env::remove_var`, "Safety").
    unsafe { std::env::remove_var(name) }
}
