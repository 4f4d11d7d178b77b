//! An open port or pipe: given to tokio, which waits on it through the completion port, and the time-outs of a COM port.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, IntoRawHandle as _};
use tokio::net::windows::named_pipe::NamedPipeClient;
use windows::Win32::Devices::Communication::{COMMTIMEOUTS, SetCommTimeouts};
use windows::Win32::Foundation::HANDLE;

/// `file` must have been opened with `FILE_FLAG_OVERLAPPED`. What tokio does with a client's end of a pipe is `ReadFile`,
/// `WriteFile` and `CancelIoEx`, which are the same for a virtio port and a COM port.
pub fn adopt(file: File) -> io::Result<NamedPipeClient> {
    // SAFETY: the handle is open, and owned by nobody else from here on.
    unsafe { NamedPipeClient::from_raw_handle(file.into_raw_handle()) }
}

/// A read waits for its first byte for ever, and ends 1 ms after the last one; a write waits for ever.
/// Whether it is a COM port at all: what is none refuses.
pub fn set_timeouts(file: &File) -> bool {
    let timeouts = COMMTIMEOUTS { ReadIntervalTimeout: 1, ..COMMTIMEOUTS::default() };
    // SAFETY: the handle is open for as long as `file` lives, and the structure outlives the call.
    unsafe { SetCommTimeouts(HANDLE(file.as_raw_handle()), &raw const timeouts) }.is_ok()
}
