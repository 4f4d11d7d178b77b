//! What every runner waits for: the pipes of a program, and moments that may never come.

use super::Status;
use super::stream::Stream;
use crate::Stop;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long output is read on after the program itself ended, while its children still hold the pipes.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How long a program's processes may take to follow SIGTERM before SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long a killed program may take to end and its output to arrive; with [`TERM_GRACE`] and the fence's own time less than the
/// executor's grace.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// How far a program has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    /// How it ended, once it did.
    pub(super) ended: Option<Status>,
    /// Whether no stop needs to be waited for any more.
    pub(super) stopping: bool,
    /// When it is killed that was asked to end.
    pub(super) kill_at: Option<Instant>,
    /// Until when its output is read on.
    pub(super) linger_until: Option<Instant>,
    /// What the runner ended it for.
    ended_for: Option<Status>,
}

impl Course {
    /// It ended; its children may still hold the pipes.
    pub(super) fn exited(&mut self, status: Status) {
        self.ended = Some(status);
        self.linger_until = Some(Instant::now() + LINGER);
    }

    /// Its time is over, or the agent's. Whether it has to be asked to end: one that ended by itself has only its last words left.
    pub(super) fn must_stop(&mut self, stop: Stop) -> bool {
        self.stopping = true;
        if self.ended.is_some() {
            self.hear_last_words();
            return false;
        }
        self.ended_for.get_or_insert(Status::Stopped(stop));
        self.kill_at = Some(Instant::now() + TERM_GRACE);
        true
    }

    /// Who takes its lines wants no more. Whether it has to be ended.
    pub(super) fn had_enough(&mut self) -> bool {
        let ends = self.ended.is_none() && self.ended_for.is_none();
        if ends {
            self.ended_for = Some(Status::Enough);
            self.hear_last_words();
        }
        ends
    }

    /// It was ended by force. One that hangs inside the kernel does not end; what it said is told all the same.
    pub(super) fn killed(&mut self) {
        self.kill_at = None;
        self.hear_last_words();
    }

    fn hear_last_words(&mut self) {
        self.linger_until = Some(Instant::now() + LAST_WORDS);
    }

    /// How it ended, or why the runner ended it.
    pub(super) fn status(&self) -> Status {
        self.ended_for.or(self.ended).unwrap_or(Status::Lost)
    }
}

/// A wait that failed says nothing of how the program ended.
pub(super) fn lost(error: &io::Error) -> Status {
    log::warn!("the exit status of a command is unknown: {error}");
    Status::Lost
}

/// Whichever has something, neither before the other: a flood on one does not stop up the other.
pub(super) async fn read_either(stdout: &mut Stream<'_>, stderr: &mut Stream<'_>) {
    tokio::select! {
        () = stdout.read(), if stdout.is_open() => {}
        () = stderr.read(), if stderr.is_open() => {}
        else => std::future::pending().await,
    }
}

/// Never, where there is no such moment.
pub(super) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
