//! What a console says: Ctrl-C, Ctrl-Break, and the end of its window or of the session (`SetConsoleCtrlHandler`).

use super::{Signal, Signals};
use std::io;
use tokio::signal::windows::{self, CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown};

/// The console's own events.
#[derive(Debug)]
pub struct OsSignals {
    c: CtrlC,
    r#break: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl OsSignals {
    /// Catches the events from now on. To be called inside the runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            c: windows::ctrl_c()?,
            r#break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }
}

impl Signals for OsSignals {
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.c.recv() => Signal::Stop("Ctrl-C"),
            _ = self.r#break.recv() => Signal::Stop("Ctrl-Break"),
            _ = self.close.recv() => Signal::Stop("the closing of the console"),
            _ = self.logoff.recv() => Signal::Stop("the end of the session"),
            _ = self.shutdown.recv() => Signal::Stop("the system's shutdown"),
        }
    }
}
