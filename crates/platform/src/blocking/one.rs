//! One call: asked from async code or from a thread.

use super::lane::Lane;
use super::out::{Blocked, Ticket};
use super::relay;
use super::thread::launch;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// Runs `work` in a thread of `lane`, and waits for at most `patience`.
///
/// # Errors
/// When it hangs, or calls before it do.
pub async fn run<T: Send + 'static>(
    lane: Lane,
    what: &str,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Blocked> {
    start(lane, what, work)?.within(patience).await
}

/// The same without a deadline, for work that watches its own: a caller that goes away leaves the thread to it.
///
/// # Errors
/// When no thread is to be had, or it died.
pub async fn join<T: Send + 'static>(
    lane: Lane,
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Blocked> {
    let mut coming = start(lane, what, work)?;
    match coming.answer.take() {
        Some(answer) => answer.await.map_err(|_| coming.died()),
        None => Err(coming.died()),
    }
}

/// Starts `work`; its answer is waited for later.
///
/// # Errors
/// When no thread is to be had.
pub fn start<T: Send + 'static>(
    lane: Lane,
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Coming<T>, Blocked> {
    let (tell, answer) = oneshot::channel();
    let ticket = launch(lane, what, move || {
        let told = work();
        // Whoever asked may have given up since.
        relay::hand(move || drop(tell.send(told)));
    })?;
    Ok(Coming { what: what.to_owned(), asked: Instant::now(), ticket, answer: Some(answer) })
}

/// An answer that is waited for in async code, by whoever bounds his waiting himself, or by [`Coming::within`]. When it is
/// dropped before it came, its call counts as one that hangs.
#[derive(Debug)]
pub struct Coming<T> {
    what: String,
    asked: Instant,
    ticket: Ticket,
    /// Until the answer came.
    answer: Option<oneshot::Receiver<T>>,
}

impl<T> Coming<T> {
    /// The answer, waited for for at most `patience` from now.
    ///
    /// # Errors
    /// When it did not come.
    pub async fn within(mut self, patience: Duration) -> Result<T, Blocked> {
        match tokio::time::timeout(patience, &mut self).await {
            Ok(told) => told,
            Err(_) => Err(Blocked::Hangs { what: self.what.clone(), waited: self.asked.elapsed() }),
        }
    }

    fn died(&self) -> Blocked {
        Blocked::Died { what: self.what.clone() }
    }
}

impl<T> Future for Coming<T> {
    type Output = Result<T, Blocked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(answer) = &mut self.answer else { return Poll::Ready(Err(self.died())) };
        let told = ready!(Pin::new(answer).poll(context));
        self.answer = None;
        Poll::Ready(told.map_err(|_| self.died()))
    }
}

impl<T> Drop for Coming<T> {
    fn drop(&mut self) {
        if self.answer.as_mut().is_some_and(|answer| matches!(answer.try_recv(), Err(TryRecvError::Empty))) {
            self.ticket.hangs(&self.what, self.asked.elapsed());
        }
    }
}

/// Starts `work` for a thread that waits by [`Answer::wait`].
///
/// # Errors
/// When no thread is to be had.
pub fn ask<T: Send + 'static>(
    lane: Lane,
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Answer<T>, Blocked> {
    let (tell, answer) = sync_channel(1);
    let ticket = launch(lane, what, move || drop(tell.send(work())))?;
    Ok(Answer { what: what.to_owned(), asked: Instant::now(), ticket, told: answer })
}

/// An answer that a thread waits for, again and again where it wants: a late one counts.
#[derive(Debug)]
pub struct Answer<T> {
    what: String,
    asked: Instant,
    ticket: Ticket,
    told: Receiver<T>,
}

impl<T> Answer<T> {
    /// The answer, if it comes until then.
    ///
    /// # Errors
    /// When it did not come.
    pub fn wait(&self, until: Instant) -> Result<T, Blocked> {
        match self.told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(told) => Ok(told),
            Err(RecvTimeoutError::Disconnected) => Err(Blocked::Died { what: self.what.clone() }),
            Err(RecvTimeoutError::Timeout) => {
                let waited = self.asked.elapsed();
                self.ticket.hangs(&self.what, waited);
                Err(Blocked::Hangs { what: self.what.clone(), waited })
            }
        }
    }

    /// Nobody waits for it any more, after it was busy with one thing for so long.
    pub fn give_up(&self, busy_for: Duration) {
        self.ticket.hangs(&self.what, busy_for);
    }

    /// Whether its thread is still out.
    pub fn is_out(&self) -> bool {
        self.ticket.is_out()
    }
}
