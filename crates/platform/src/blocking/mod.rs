//! Whatever may wait in the kernel without end: one bounded pool of detached threads, with a deadline for each call.
//!
//! A read of `/proc/PID/cmdline` waits for a lock that the process' owner can hold for ever; a look at a file of a FUSE mount
//! or of a dead NFS server waits for its server. Such a call cannot be taken back. So it runs in a thread that nobody waits
//! for longer than he wants: the call then costs its own figure, and its thread stays out, counted, named in the log once,
//! until the kernel lets it go. Each [`Lane`] has places of its own, so that one kind of call cannot stop another; once
//! as many calls for one thing hang as are allowed, the next is refused at once. No thread holds up the end of the process.
//!
//! **From async code**, `blocking::run(Lane::Files, "name in messages", timeout, move || work()).await`;
//! [`start`] and [`Coming`] where several are asked at once. [`join`] is for long work that has a deadline of its own.
//!
//! **From a thread**, [`ask`] and [`Answer::wait`] for one call, and [`Series`] for many of a kind, such as one for each
//! process: they run in one thread, and only where one hangs does another thread take over behind it.
//!
//! **Descriptors.** Threads of lanes that touch what others own (`Lane::has_own_table`) have a table of descriptors of their
//! own, empty but for the standard streams: a thread that hangs keeps no port or socket open when the process is killed.
//! So work of these lanes opens what it needs, and neither brings descriptors along nor gives any back.

mod out;
#[cfg(target_os = "linux")]
#[path = "own_table_unsafe.rs"]
mod own_table;
#[cfg(not(target_os = "linux"))]
#[path = "shared_table.rs"]
mod own_table;
mod series;
mod thread;
#[cfg(target_os = "linux")]
mod turn;
#[cfg(not(target_os = "linux"))]
#[path = "no_turn.rs"]
mod turn;

pub use out::{Blocked, hanging, summary};
pub use series::{Item, Series};

use out::Ticket;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use thread::launch;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// What a thread is out for. The number of places bounds the threads of a kind, those that hang included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// `/proc/PID/stat` of all processes.
    ProcessTable,
    /// Other files of processes in `/proc`.
    Processes,
    /// Space on file systems.
    FileSystems,
    /// Files and directories that the system's configuration or a message names.
    Files,
    /// What Autochecks reads.
    Checks,
    /// Starting programs, in directories that a host names.
    Starts,
    /// Descriptions of plugins, their programs, what they wrote, and files of figures.
    Plugins,
    /// Long walks with a deadline of their own: clean-up, inventory.
    Walks,
    /// Calls of a service manager or of a library that have no deadline.
    Managers,
    /// The collector's own thread, one for each collector; of those that hang few are replaced.
    Collector,
    /// What tests fill.
    #[cfg(test)]
    Trial,
    /// What the test of a crowd fills.
    #[cfg(test)]
    Crowd,
}

/// Reading files needs little stack.
const SMALL_STACK_BYTES: usize = 256 * 1024;
/// What runs libraries or walks deep trees gets what threads get as a rule.
const STACK_BYTES: usize = 2 * 1024 * 1024;

impl Lane {
    /// How many threads may be out at one time.
    pub const fn places(self) -> usize {
        match self {
            #[cfg(test)]
            Self::Trial | Self::Crowd => 16,
            Self::Managers | Self::Walks => 16,
            Self::FileSystems | Self::Files | Self::Starts => 32,
            // 64 plugins, each of which may lie on a file system of its own that hangs, have up to 3 calls out: a look at the program
            // that hung, its next one, and the reading of what it wrote. The rest is for the directory and the files of figures.
            Self::Plugins => 3 * 64 + 16,
            Self::ProcessTable | Self::Processes | Self::Checks | Self::Collector => 64,
        }
    }

    /// Whether its threads have a table of descriptors of their own.
    pub(crate) const fn has_own_table(self) -> bool {
        matches!(self, Self::ProcessTable | Self::Processes | Self::FileSystems | Self::Files | Self::Plugins)
    }

    const fn thread_name(self) -> &'static str {
        match self {
            Self::ProcessTable => "process-table",
            Self::Processes => "processes",
            Self::FileSystems => "file-systems",
            Self::Files => "files",
            Self::Checks => "checks",
            Self::Starts => "starts",
            Self::Plugins => "plugins",
            Self::Walks => "walks",
            Self::Managers => "managers",
            Self::Collector => "collector",
            #[cfg(test)]
            Self::Trial | Self::Crowd => "trial",
        }
    }

    const fn stack_bytes(self) -> usize {
        match self {
            Self::ProcessTable | Self::Processes | Self::FileSystems | Self::Files | Self::Checks => {
                SMALL_STACK_BYTES
            }
            Self::Starts | Self::Plugins | Self::Walks | Self::Managers | Self::Collector => STACK_BYTES,
            #[cfg(test)]
            Self::Trial | Self::Crowd => SMALL_STACK_BYTES,
        }
    }
}

/// Runs `work` in a thread of `lane`, and waits for at most `timeout`.
///
/// # Errors
/// When it hangs, or calls before it do.
pub async fn run<T: Send + 'static>(
    lane: Lane,
    what: &str,
    timeout: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Blocked> {
    start(lane, what, work)?.within(timeout).await
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
        thread::hand(move || drop(tell.send(told)));
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
    /// The answer, waited for for at most `timeout` from now.
    ///
    /// # Errors
    /// When it did not come.
    pub async fn within(mut self, timeout: Duration) -> Result<T, Blocked> {
        match tokio::time::timeout(timeout, &mut self).await {
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

#[cfg(test)]
mod tests;
