//! One key of the person at the terminal.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::Result;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Puts the terminal's modes back.
struct Modes(Termios);

impl Drop for Modes {
    fn drop(&mut self) {
        // The terminal is gone where this fails.
        let _restored = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Waits until a key is pressed. Does not wait where no person is at a terminal.
pub fn wait() -> Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    let before = Modes(tcgetattr(io::stdin())?);
    let mut modes = before.0.clone();
    // Ctrl-C is a key, too: what runs is to end in order.
    modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
    // Whatever the key is, and also where the terminal goes.
    let _count = io::stdin().read(&mut [0; 8])?;
    Ok(())
}
