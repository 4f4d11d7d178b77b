//! tokio's timer, on systems without `timerfd`.

use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Rings once at a deadline.
#[derive(Debug)]
pub struct Alarm {
    at: Option<Instant>,
}

impl Alarm {
    /// Set to nothing.
    #[expect(clippy::unnecessary_wraps, reason = "the kernel's timer of Linux may be refused")]
    pub fn new() -> io::Result<Self> {
        Ok(Self { at: None })
    }

    /// To ring at `deadline` of a clock that reads `now`; one that has passed rings at once.
    pub fn set(&mut self, deadline: Option<Duration>, now: Duration) {
        // One that no clock can tell is never.
        self.at = deadline.and_then(|at| Instant::now().checked_add(at.saturating_sub(now)));
    }

    /// Resolves when it rings. Cancel safe.
    pub async fn rings(&mut self) {
        match self.at {
            Some(at) => sleep_until(at).await,
            None => pending().await,
        }
    }
}
