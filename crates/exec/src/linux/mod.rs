//! Starts programs on Linux and sees to it that nothing of them is left.

mod delegation;
#[cfg(test)]
mod end_tests;
mod exit;
mod fence;
mod kinship;
mod locate;
mod process_table;
mod scope;
#[cfg(test)]
mod scope_tests;
mod spawn;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(test)]
mod user_tests;

use super::capture::Capture;
use super::stream::Stream;
use super::wait::{Course, at, lost, read_either};
use super::{Finished, Request, RunError, Runner, Status, TakeLine};
use crate::{BoxFuture, Control, Stop};
use fence::{Fence, Fences};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::gate::Gate;
use spawn::Streams;
use std::fmt::Display;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use tokio::process::Child;

/// The runner of this machine.
pub fn system_runner() -> Arc<dyn Runner> {
    Arc::new(SystemRunner { fences: Fences::of_the_agent() })
}

/// The same in a process that has children of other kinds: the one above takes every stray child for a command's.
#[cfg(any(test, feature = "testing"))]
pub fn runner_beside_other_children() -> SystemRunner {
    SystemRunner { fences: Fences::by_process_table() }
}

/// [`Runner`] over real processes.
#[derive(Debug)]
pub struct SystemRunner {
    fences: Fences,
}

impl Runner for SystemRunner {
    fn run<'a>(
        &'a self,
        request: Request,
        control: &'a Control,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(self.start(request, control, None))
    }

    fn run_lines<'a>(
        &'a self,
        request: Request,
        control: &'a Control,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(self.start(request, control, Some(take)))
    }
}

impl SystemRunner {
    async fn start(
        &self,
        request: Request,
        control: &Control,
        take: Option<TakeLine<'_>>,
    ) -> Result<Finished, RunError> {
        let path = locate::locate(&request.program)?;
        let _pass = Gate::of_the_process().pass().map_err(|closed| not_started(&path, closed))?;
        let mut fence = self.fences.fence(&request).await;
        let max_output = request.max_output_bytes;
        let entrance = fence.entrance().map_err(|error| not_fenced(&path, &error))?;
        let spawning = spawn(path, request, entrance, fence.environment(), Streams::to(fence.inputs()));
        tokio::select! {
            biased;
            // What was to stop before it began does not begin.
            stop = control.stopped() => {
                fence.end().await;
                Ok(Finished::before_it_began(stop))
            }
            child = spawning => Ok(Run::new(child?, fence, max_output, take).finish(control).await),
        }
    }
}

fn not_fenced(program: &Path, error: &std::io::Error) -> RunError {
    not_started(program, format_args!("cannot enter its cgroup: {error}"))
}

fn not_started(program: &Path, error: impl Display) -> RunError {
    RunError::NotStarted { program: program.display().to_string(), error: error.to_string() }
}

/// Starts the program. Where it is to start in a directory of the host's choice, that happens away from the main thread: whoever
/// starts a program waits until it has entered its directory, and one on a dead network mount is never entered.
async fn spawn(
    path: PathBuf,
    request: Request,
    entrance: Option<File>,
    tag: Option<(&'static str, String)>,
    streams: Streams,
) -> Result<Child, RunError> {
    if request.directory.is_none() {
        return spawn::spawn(&path, &request, entrance, tag, streams);
    }
    let program = path.display().to_string();
    let what = format!("start in {}", request.directory.as_deref().unwrap_or(Path::new("/")).display());
    let runtime = tokio::runtime::Handle::current();
    let spawning = blocking::join(Lane::Starts, &what, move || {
        // What waits for the program belongs to the runtime.
        let _runtime = runtime.enter();
        spawn::spawn(&path, &request, entrance, tag, streams)
    });
    let failed = |error: Blocked| RunError::NotStarted { program, error: error.to_string() };
    spawning.await.map_err(failed)?
}

/// A program that runs. Dropped, it is ended by force.
struct Run<'a> {
    child: Child,
    fence: Fence,
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
}

impl<'a> Run<'a> {
    fn new(mut child: Child, mut fence: Fence, max_output: usize, take: Option<TakeLine<'a>>) -> Self {
        fence.started(child.id());
        let own = [child.stdout.take().map(Into::into), child.stderr.take().map(Into::into)];
        let [stdout, stderr] =
            fence.outputs().unwrap_or(own).map(|pipe| Stream::new(pipe, Capture::new(max_output)));
        Self { child, fence, stdout: stdout.with_lines(take), stderr, course: Course::default() }
    }

    async fn finish(mut self, control: &Control) -> Finished {
        while self.course.ended.is_none() || self.stdout.is_open() || self.stderr.is_open() {
            match self.turn(control).await {
                Turn::Read if self.stdout.had_enough() && self.course.had_enough() => self.fence.kill().await,
                Turn::Read => {}
                Turn::Exited(status) => self.course.exited(status),
                Turn::MustStop(stop) => {
                    self.look_for_its_end();
                    if self.course.ended.is_none()
                        && stop == Stop::Cancelled
                        && self.fence.outlives_the_agent()
                    {
                        return self.going_on();
                    }
                    if self.course.must_stop(stop) {
                        self.fence.terminate().await;
                    }
                }
                Turn::GraceOver => {
                    self.course.killed();
                    self.fence.kill().await;
                }
                Turn::LingerOver => break,
            }
        }
        self.fence.end().await;
        Finished { status: self.course.status(), stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }

    /// What it said so far; nobody hears the rest.
    fn going_on(self) -> Finished {
        Finished { status: Status::GoesOn, stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }

    /// Where the agent itself stood still, the end of the program and that of its time are seen in one moment.
    fn look_for_its_end(&mut self) {
        if self.course.ended.is_none()
            && let Ok(Some(ended)) = self.child.try_wait()
        {
            self.course.exited(status_of(ended));
        }
    }

    async fn turn(&mut self, control: &Control) -> Turn {
        let Course { ended, stopping, kill_at, linger_until, .. } = self.course;
        tokio::select! {
            biased;
            stop = control.stopped(), if !stopping => Turn::MustStop(stop),
            () = at(kill_at), if kill_at.is_some() => Turn::GraceOver,
            () = at(linger_until), if linger_until.is_some() => Turn::LingerOver,
            status = self.child.wait(), if ended.is_none() => Turn::Exited(status.map_or_else(|e| lost(&e), status_of)),
            () = read_either(&mut self.stdout, &mut self.stderr) => Turn::Read,
        }
    }
}

/// Every status is an exit or a signal, unless the kernel has a new kind.
fn status_of(status: ExitStatus) -> Status {
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, Some(signal)) => Status::Signalled(signal),
        (None, None) => Status::Lost,
    }
}
