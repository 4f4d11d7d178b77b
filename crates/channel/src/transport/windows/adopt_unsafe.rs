//! Gives an open handle to tokio, which waits on it through the completion port.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::windows::io::IntoRawHandle as _;
use tokio::net::windows::named_pipe::NamedPipeClient;

/// `file` must have been opened with `FILE_FLAG_OVERLAPPED`. What tokio does with a client's end of a pipe is `ReadFile`,
/// `WriteFile` and `CancelIoEx`, which are the same for a virtio port and a COM port.
pub fn adopt(file: File) -> io::Result<NamedPipeClient> {
    // SAFETY: the handle is open, and owned by nobody else from here on.
    unsafe { NamedPipeClient::from_raw_handle(file.into_raw_handle()) }
}
