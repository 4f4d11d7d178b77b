//! When a running command must end: its deadline, the agent's shutdown, or the host's wish.

use crate::outcome::CommandError;
use crate::progress::Follower;
use crate::steps::{Running, Steps};
use crate::withdrawal::Withdrawal;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::trace::StepName;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// A deadline that is seen so much later passed while the agent stood still.
const LATE: Duration = Duration::from_secs(1);

/// What every running action is given. Actions that start programs hand it to the runner, others wrap what they
/// wait for in [`Cancellation::run_until_cancelled`].
#[derive(Clone, Debug)]
pub struct Cancellation {
    timeout: Duration,
    deadline: Instant,
    cancel: watch::Receiver<bool>,
    withdrawal: Arc<Withdrawal>,
    follower: Option<Follower>,
    is_shown: bool,
    steps: Option<Arc<Steps>>,
}

/// Why a command must end before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its time, this long, is over.
    TimedOut(Duration),
    /// The agent is shutting down.
    Cancelled,
    /// The host wants no more of it.
    Withdrawn,
}

impl Cancellation {
    /// Time starts now.
    pub fn new(timeout: Duration, cancel: watch::Receiver<bool>) -> Self {
        Self {
            timeout,
            deadline: Instant::now() + timeout,
            cancel,
            withdrawal: Arc::default(),
            follower: None,
            is_shown: false,
            steps: None,
        }
    }

    /// One that is never cancelled, for callers outside the executor.
    pub fn for_at_most(timeout: Duration) -> Self {
        // The sender is gone, so the channel never says anything.
        Self::new(timeout, watch::channel(false).1)
    }

    /// The same, which the host may end by itself.
    #[must_use]
    pub fn with_withdrawal(self, withdrawal: Arc<Withdrawal>) -> Self {
        Self { withdrawal, ..self }
    }

    /// The same, of which the host wants to see the output as it comes: that of its main program alone, see [`Self::showing_output`].
    #[must_use]
    pub fn followed_by(self, follower: Option<Follower>) -> Self {
        Self { follower, ..self }
    }

    /// The same, whose steps are told to the host.
    #[must_use]
    pub fn timed_by(self, steps: Option<Arc<Steps>>) -> Self {
        Self { steps, ..self }
    }

    /// Begins a step, where somebody wants to know; it ends when what this gives is dropped.
    pub fn step(&self, name: StepName) -> Option<Running> {
        self.steps.as_ref().map(|steps| steps.begin(name))
    }

    /// For the step whose programs are what was asked for, not what they are looked into with.
    #[must_use]
    pub fn showing_output(&self) -> Self {
        Self { is_shown: true, ..self.clone() }
    }

    /// Who gets the output of programs that run now.
    pub(crate) fn follower(&self) -> Option<&Follower> {
        self.follower.as_ref().filter(|_| self.is_shown)
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The same with a shorter deadline, for one step of several.
    #[must_use]
    pub fn shortened(&self, timeout: Duration) -> Self {
        let deadline = self.deadline.min(Instant::now() + timeout);
        Self { timeout: timeout.min(self.timeout), deadline, ..self.clone() }
    }

    /// For a step that must not be cut short once it has begun, whatever the host's patience: it has this long from now. One whose
    /// time is over does not begin, nor one that the host wants no more. Its output is shown to who follows it.
    pub fn commit(&self, longest: Duration) -> Result<Self, CommandError> {
        if self.remaining().is_zero() {
            return Err(Stop::TimedOut(self.timeout).into());
        }
        if !self.withdrawal.commit() {
            return Err(Stop::Withdrawn.into());
        }
        Ok(Self { timeout: longest, deadline: Instant::now() + longest, ..self.showing_output() })
    }

    /// Whether such a step has begun. After the deadline that does not change any more.
    pub fn is_committed(&self) -> bool {
        self.withdrawal.is_committed()
    }

    /// Resolves when the command must end.
    pub async fn stopped(&self) -> Stop {
        let mut cancel = self.cancel.clone();
        tokio::select! {
            biased;
            () = cancelled(&mut cancel) => Stop::Cancelled,
            () = self.withdrawal.withdrawn() => Stop::Withdrawn,
            () = sleep_until(self.deadline) => Stop::TimedOut(self.timeout),
        }
    }

    /// `future`, unless the command must end first; then it is dropped.
    pub async fn run_until_cancelled<T>(&self, future: impl Future<Output = T>) -> Result<T, CommandError> {
        tokio::pin!(future);
        let stop = tokio::select! {
            biased;
            value = &mut future => return Ok(value),
            stop = self.stopped() => stop,
        };
        // Where the agent itself stood still, the answer may be there and not yet have been read.
        let late = self.deadline.elapsed() > LATE;
        match timeout(if late { LATE } else { Duration::ZERO }, future).await {
            Ok(value) => Ok(value),
            Err(_) => Err(stop.into()),
        }
    }

    /// `future`, unless `grace` after the moment at which the command must end has passed.
    pub async fn hard_deadline<T>(
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
            Stop::Withdrawn => Self::new(ErrorCode::Cancelled, "ended because the host cancelled it"),
            Stop::Cancelled => Self::new(ErrorCode::Cancelled, "ended because the agent is shutting down"),
        }
    }
}
