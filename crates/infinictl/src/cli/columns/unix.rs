//! `TIOCGWINSZ` of standard output.

use std::io::stdout;

/// Columns of the terminal that standard output is, if it is one that knows.
pub(in crate::cli) fn columns() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}
