//! SIGTERM, SIGINT and SIGHUP (`signal(7)`).

use super::{Signal, Signals};
use std::io;
use tokio::signal::unix::{self, SignalKind};

/// The process's own signals.
#[derive(Debug)]
pub struct OsSignals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hang_up: unix::Signal,
}

impl OsSignals {
    /// Catches the signals from now on. To be called inside the runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hang_up: unix::signal(SignalKind::hangup())?,
        })
    }
}

impl Signals for OsSignals {
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}
