//! When a running command must end: its deadline, or the agent's shutdown.

use super::outcome::CommandError;
use infiniservice_protocol::ErrorCode;
use std::future::Future;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

/// What every running action is given. Actions that start programs hand it to the runner, others wrap what they
/// wait for in [`Control::bound`].
#[derive(Clone, Debug)]
pub struct Control {
    timeout: Duration,
    deadline: Instant,
    cancel: watch::Receiver<bool>,
}

/// Why a command must end before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its time, this long, is over.
    TimedOut(Duration),
    /// The agent is shutting down.
    Cancelled,
}

impl Control {
    /// Time starts now.
    pub fn new(timeout: Duration, cancel: watch::Receiver<bool>) -> Self {
        Self { timeout, deadline: Instant::now() + timeout, cancel }
    }

    /// One that is never cancelled, for callers outside the executor.
    pub fn for_at_most(timeout: Duration) -> Self {
        // The sender is gone, so the channel never says anything.
        Self::new(timeout, watch::channel(false).1)
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The same with a shorter deadline, for one step of several.
    #[must_use]
    pub fn shortened(&self, timeout: Duration) -> Self {
        let deadline = self.deadline.min(Instant::now() + timeout);
        Self { timeout: timeout.min(self.timeout), deadline, cancel: self.cancel.clone() }
    }

    /// Resolves when the command must end.
    pub async fn stopped(&self) -> Stop {
        let mut cancel = self.cancel.clone();
        tokio::select! {
            biased;
            () = cancelled(&mut cancel) => Stop::Cancelled,
            () = sleep_until(self.deadline) => Stop::TimedOut(self.timeout),
        }
    }

    /// `future`, unless the command must end first; then it is dropped.
    pub async fn bound<T>(&self, future: impl Future<Output = T>) -> Result<T, CommandError> {
        tokio::select! {
            biased;
            value = future => Ok(value),
            stop = self.stopped() => Err(stop.into()),
        }
    }

    /// `future`, unless `grace` after the moment at which the command must end has passed.
    pub(super) async fn backstop<T>(
        &self,
        grace: Duration,
        future: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        tokio::pin!(future);
        let stop = tokio::select! {
            biased;
            value = &mut future => return Ok(value),
            stop = self.stopped() => stop,
        };
        timeout_at(Instant::now() + grace, future).await.map_err(|_| stop)
    }
}

async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl From<Stop> for CommandError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::TimedOut(after) => {
                Self::new(ErrorCode::Timeout, format!("did not end within {} s", after.as_secs_f64()))
            }
            Stop::Cancelled => Self::new(ErrorCode::Cancelled, "ended because the agent is shutting down"),
        }
    }
}
