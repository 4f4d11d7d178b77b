//! Time-outs of a COM port.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::windows::io::AsRawHandle as _;
use windows::Win32::Devices::Communication::{COMMTIMEOUTS, SetCommTimeouts};
use windows::Win32::Foundation::HANDLE;

/// A read waits for its first byte for ever, and ends 1 ms after the last one; a write waits for ever.
/// Whether it is a COM port at all: what is none refuses.
pub fn set_timeouts(file: &File) -> bool {
    let timeouts = COMMTIMEOUTS { ReadIntervalTimeout: 1, ..COMMTIMEOUTS::default() };
    // SAFETY: the handle is open for as long as `file` lives, and the structure outlives the call.
    unsafe { SetCommTimeouts(HANDLE(file.as_raw_handle()), &raw const timeouts) }.is_ok()
}
