//! One program's run, on every platform: its pipes, its end, the moment at which it must stop, and what holds together all that it
//! started.

use crate::containment::Containment;
use crate::output::{Outputs, Stream};
use crate::progress::Pieces;
use crate::{Cancellation, Finished, Status, Stop};
use infiniservice_protocol::guest::OutputStream;
use infiniservice_protocol::trace::StepName;
use std::io;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::{Instant, sleep_until};

/// A program that runs. Dropped, it is ended by force.
pub(super) struct Run<'a, C> {
    child: Child,
    containment: C,
    stdout: Stream<'a>,
    stderr: Stream<'a>,
    course: Course,
}

/// What ended a wait.
enum Turn {
    Read,
    Exited(Status),
    MustStop(Stop),
    GraceOver,
    LingerOver,
    PieceDue,
}

impl<'a, C: Containment> Run<'a, C> {
    /// Of a program that was started inside of `containment`.
    pub(super) fn new(mut child: Child, mut containment: C, mut outputs: Outputs<'a>) -> Self {
        containment.started(child.id());
        let stdout = outputs.merged.take().or_else(|| child.stdout.take().map(Into::into));
        let own = [stdout, child.stderr.take().map(Into::into)];
        let [stdout, stderr] =
            containment.outputs().unwrap_or(own).map(|pipe| Stream::new(pipe, outputs.capture()));
        let follower = outputs.follower;
        let pieces = |stream| follower.clone().map(|follower| Pieces::new(stream, follower));
        let stdout = stdout.with_lines(outputs.lines).with_pieces(pieces(OutputStream::Stdout));
        let stderr = stderr.with_pieces(pieces(OutputStream::Stderr));
        Self { child, containment, stdout, stderr, course: Course::default() }
    }

    /// Until it has ended, or must; then nothing that it started is left.
    pub(super) async fn finish(mut self, cancellation: &Cancellation) -> Finished {
        let _told = cancellation.step(StepName::Program);
        while self.course.ended.is_none() || self.stdout.is_open() || self.stderr.is_open() {
            match self.turn(cancellation).await {
                Turn::Read if self.stdout.had_enough() && self.course.had_enough() => {
                    self.containment.kill().await;
                }
                Turn::Read => {}
                Turn::PieceDue => {
                    self.stdout.flush_piece();
                    self.stderr.flush_piece();
                }
                Turn::Exited(status) => self.course.exited(status),
                Turn::MustStop(stop) => {
                    self.look_for_its_end();
                    if self.course.ended.is_none()
                        && stop == Stop::Cancelled
                        && self.containment.outlives_the_agent()
                    {
                        return self.detached();
                    }
                    if self.course.must_stop(stop, C::CAN_BE_ASKED) {
                        self.containment.terminate().await;
                    }
                }
                Turn::GraceOver => {
                    self.course.killed();
                    self.containment.kill().await;
                }
                Turn::LingerOver => break,
            }
        }
        self.containment.end().await;
        Finished { status: self.course.status(), stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }

    /// What it said so far; nobody hears the rest.
    fn detached(self) -> Finished {
        Finished { status: Status::Detached, stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }

    /// Where the agent itself stood still, the end of the program and that of its time are seen in one moment.
    fn look_for_its_end(&mut self) {
        if self.course.ended.is_none()
            && let Ok(Some(ended)) = self.child.try_wait()
        {
            self.course.exited(C::status_of(ended));
        }
    }

    async fn turn(&mut self, cancellation: &Cancellation) -> Turn {
        let Course { ended, stopping, kill_at, linger_until, .. } = self.course;
        let piece_due = [self.stdout.piece_due(), self.stderr.piece_due()].into_iter().flatten().min();
        tokio::select! {
            biased;
            stop = cancellation.stopped(), if !stopping => Turn::MustStop(stop),
            () = at(kill_at), if kill_at.is_some() => Turn::GraceOver,
            () = at(linger_until), if linger_until.is_some() => Turn::LingerOver,
            () = at(piece_due), if piece_due.is_some() => Turn::PieceDue,
            status = self.child.wait(), if ended.is_none() => {
                Turn::Exited(status.map_or_else(|error| lost(&error), C::status_of))
            }
            () = read_either(&mut self.stdout, &mut self.stderr) => Turn::Read,
        }
    }
}

/// How long output is read on after the program itself ended, while its children still hold the pipes.
const LINGER: Duration = Duration::from_secs(1);

/// How long a program's processes may take to follow SIGTERM before SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long a killed program may take to end and its output to arrive; with [`TERM_GRACE`] and the containment's own time less
/// than the executor's grace.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// How far a program has come.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    /// How it ended, once it did.
    ended: Option<Status>,
    /// Whether no stop needs to be waited for any more.
    stopping: bool,
    /// When it is killed that was asked to end.
    kill_at: Option<Instant>,
    /// Until when its output is read on.
    linger_until: Option<Instant>,
    /// What the runner ended it for.
    ended_for: Option<Status>,
}

impl Course {
    /// It ended; its children may still hold the pipes.
    fn exited(&mut self, status: Status) {
        self.ended = Some(status);
        self.linger_until = Some(Instant::now() + LINGER);
    }

    /// Its time is over, or the agent's. Whether it has to be asked to end: one that ended by itself has only its last words left.
    /// One that `can_be_asked` has time to follow.
    fn must_stop(&mut self, stop: Stop, can_be_asked: bool) -> bool {
        self.stopping = true;
        if self.ended.is_some() {
            self.hear_last_words();
            return false;
        }
        self.ended_for.get_or_insert(Status::Stopped(stop));
        self.kill_at = can_be_asked.then(|| Instant::now() + TERM_GRACE);
        true
    }

    /// Who takes its lines wants no more. Whether it has to be ended.
    fn had_enough(&mut self) -> bool {
        let ends = self.ended.is_none() && self.ended_for.is_none();
        if ends {
            self.ended_for = Some(Status::Enough);
            self.hear_last_words();
        }
        ends
    }

    /// It was ended by force. One that hangs inside the kernel does not end; what it said is told all the same.
    fn killed(&mut self) {
        self.kill_at = None;
        self.hear_last_words();
    }

    fn hear_last_words(&mut self) {
        self.linger_until = Some(Instant::now() + LAST_WORDS);
    }

    /// How it ended, or why the runner ended it.
    fn status(&self) -> Status {
        self.ended_for.or(self.ended).unwrap_or(Status::Lost)
    }
}

/// A wait that failed says nothing of how the program ended.
fn lost(error: &io::Error) -> Status {
    log::warn!("the exit status of a command is unknown: {error}");
    Status::Lost
}

/// Whichever has something, neither before the other: a flood on one does not stop up the other.
async fn read_either(stdout: &mut Stream<'_>, stderr: &mut Stream<'_>) {
    tokio::select! {
        () = stdout.read(), if stdout.is_open() => {}
        () = stderr.read(), if stderr.is_open() => {}
        else => std::future::pending().await,
    }
}

/// Never, where there is no such moment.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
