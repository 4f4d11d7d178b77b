//! Console events that ask for an end.

use std::io;
use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

/// Ctrl-C, Ctrl-Break and the console's end from now on.
pub(in crate::watch) struct Signals(CtrlC, CtrlBreak, CtrlClose);

impl Signals {
    /// Takes them over.
    pub(in crate::watch) fn open() -> io::Result<Self> {
        Ok(Self(ctrl_c()?, ctrl_break()?, ctrl_close()?))
    }

    /// Waits for one.
    pub(in crate::watch) async fn any(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
            _ = self.2.recv() => {}
        }
    }
}
