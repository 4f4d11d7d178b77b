//! What asks the agent to stop on Windows: the service manager, or a console (`SetConsoleCtrlHandler`).

use super::{Signal, Signals};
use crate::service::manager::{Life, life};
use std::io;
use tokio::signal::windows::{self, CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown};
use tokio::sync::mpsc;

/// The process's own requests.
#[derive(Debug)]
pub enum OsSignals {
    /// Started by the service manager. A console's events are not for it: the end of a user's session least of all.
    Service(mpsc::Receiver<Signal>),
    /// Started in a console.
    Console(Console),
}

/// The console's events.
#[derive(Debug)]
pub struct Console {
    c: CtrlC,
    r#break: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl OsSignals {
    /// Catches requests from now on. To be called inside the runtime.
    pub fn install() -> io::Result<Self> {
        match life().and_then(Life::signals) {
            Some(signals) => Ok(Self::Service(signals)),
            None => Console::install().map(Self::Console),
        }
    }
}

impl Console {
    fn install() -> io::Result<Self> {
        Ok(Self {
            c: windows::ctrl_c()?,
            r#break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

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

impl Signals for OsSignals {
    async fn next(&mut self) -> Signal {
        match self {
            Self::Console(console) => console.next().await,
            Self::Service(signals) => match signals.recv().await {
                Some(signal) => signal,
                // Not reached: the manager's callback keeps a sender for the life of the process.
                None => std::future::pending().await,
            },
        }
    }
}
