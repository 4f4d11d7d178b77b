//! Raw mode for pseudo-terminals and serial lines: bytes pass unchanged, nothing is echoed.

use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::BorrowedFd;

/// Sets raw mode, ignoring the carrier of serial lines. The speed stays as it was set.
/// Input that has come already is kept. `VMIN` becomes 1, so a read without data is `EAGAIN` and never 0 bytes.
pub fn set_raw(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut modes = tcgetattr(fd)?;
    modes.make_raw();
    modes.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    tcsetattr(fd, OptionalActions::Now, &modes)?;
    Ok(())
}
