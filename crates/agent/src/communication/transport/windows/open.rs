//! Opening one device by its path.

use super::super::outcome::Outcome;
use super::super::win32::{codes, paths};
use super::adopt_unsafe::adopt;
use super::port::WindowsPort;
use super::serial_unsafe::set_timeouts;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

/// `FILE_FLAG_OVERLAPPED` (`winbase.h`): without it a pending read would block writes.
const FILE_FLAG_OVERLAPPED: u32 = 0x4000_0000;

/// Opens `path` for the link, exclusively; needs a tokio runtime.
pub fn open(path: &Path) -> Result<WindowsPort, Outcome> {
    let path = paths::to_open(path);
    let file = open_handle(&path)?;
    // Only a COM port takes them. Wine opens one even where the terminal that it stands for is gone.
    if !set_timeouts(&file) && paths::is_com(&path) {
        return Err(Outcome::PeerClosed);
    }
    let pipe = adopt(file).map_err(|error| outcome_of(&error))?;
    Ok(WindowsPort::new(pipe, path))
}

fn open_handle(path: &Path) -> Result<File, Outcome> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).share_mode(0).custom_flags(FILE_FLAG_OVERLAPPED);
    options.open(path).map_err(|error| outcome_of(&error))
}

fn outcome_of(error: &io::Error) -> Outcome {
    match error.raw_os_error() {
        Some(code) => codes::open_outcome(code.cast_unsigned(), &error.to_string()),
        None => Outcome::Failed(error.to_string()),
    }
}
