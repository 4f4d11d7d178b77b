//! The terminal while the view is shown, given back however the view ends.

use ratatui::DefaultTerminal;
use std::io;

/// The alternate screen in raw mode. Given back when dropped, and by a hook when the program panics.
pub(super) struct Screen {
    pub(super) terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        ratatui::try_init().map(|terminal| Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
