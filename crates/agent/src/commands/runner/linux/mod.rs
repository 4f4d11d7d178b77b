//! Starts programs on Linux and sees to it that nothing of them is left.

mod delegation;
mod exit;
mod fence;
mod group;
mod locate;
mod process_table;
mod scope;
#[cfg(test)]
mod scope_tests;
mod spawn_unsafe;
mod stage;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(test)]
mod user_tests;

use super::capture::Capture;
use super::stream::Stream;
use super::wait::{LINGER, at, read_either};
use super::{Finished, Request, RunError, Runner, Status};
use crate::commands::context::BoxFuture;
use crate::commands::control::{Control, Stop};
use fence::{Fence, Fences};
#[cfg(test)]
pub(crate) use group::below as groups_below;
use spawn_unsafe::Streams;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::Instant;

/// How long a program's processes may take to follow SIGTERM before SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long a killed program may take to end and its output to arrive; with [`TERM_GRACE`] and the fence's own time less than the
/// executor's grace.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The runner of this machine.
pub fn system_runner() -> Arc<dyn Runner> {
    Arc::new(SystemRunner { fences: Fences::of_the_agent() })
}

/// The same in a process that has children of other kinds: the one above takes every stray child for a command's.
#[cfg(test)]
pub(crate) fn runner_beside_other_children() -> SystemRunner {
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
        Box::pin(async move {
            let path = locate::locate(&request.program)?;
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
                child = spawning => Ok(Run::new(child?, fence, max_output).finish(control).await),
            }
        })
    }
}

fn not_fenced(program: &Path, error: &std::io::Error) -> RunError {
    RunError::NotStarted {
        program: program.display().to_string(),
        error: format!("its cgroup cannot be entered: {error}"),
    }
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
        return spawn_unsafe::spawn(&path, &request, entrance, tag, streams);
    }
    let program = path.display().to_string();
    let spawning =
        tokio::task::spawn_blocking(move || spawn_unsafe::spawn(&path, &request, entrance, tag, streams));
    spawning.await.unwrap_or_else(|error| Err(RunError::NotStarted { program, error: error.to_string() }))
}

/// A program that runs. Dropped, it is ended by force.
struct Run {
    child: Child,
    fence: Fence,
    stdout: Stream,
    stderr: Stream,
}

/// What ended a wait.
enum Turn {
    Read,
    Exited(ExitStatus),
    MustStop(Stop),
    GraceOver,
    LingerOver,
}

impl Run {
    fn new(mut child: Child, mut fence: Fence, max_output: usize) -> Self {
        fence.started(child.id());
        let own = [child.stdout.take().map(Into::into), child.stderr.take().map(Into::into)];
        let [stdout, stderr] =
            fence.outputs().unwrap_or(own).map(|pipe| Stream::new(pipe, Capture::new(max_output)));
        Self { child, fence, stdout, stderr }
    }

    async fn finish(mut self, control: &Control) -> Finished {
        let (mut status, mut stop) = (None, None);
        let mut kill_at = None;
        let mut linger_until = None;
        while status.is_none() || self.stdout.is_open() || self.stderr.is_open() {
            match self.turn(control, status.is_some(), stop.is_some(), kill_at, linger_until).await {
                Turn::Read => {}
                Turn::Exited(ended) => {
                    status = Some(ended);
                    linger_until = Some(Instant::now() + LINGER);
                }
                // It has ended by itself: only what it left behind still speaks.
                Turn::MustStop(_) if status.is_some() => break,
                Turn::MustStop(Stop::Cancelled) if self.fence.leave() => return self.going_on(),
                Turn::MustStop(why) => {
                    stop = Some(why);
                    self.fence.terminate();
                    kill_at = Some(Instant::now() + TERM_GRACE);
                }
                Turn::GraceOver => {
                    self.fence.kill();
                    kill_at = None;
                    // One that hangs inside the kernel does not end; what it said is told all the same.
                    linger_until = Some(Instant::now() + LAST_WORDS);
                }
                Turn::LingerOver => break,
            }
        }
        self.fence.end().await;
        let status = stop.map_or_else(|| status_of(status), Status::Stopped);
        Finished { status, stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }

    /// What it said so far; nobody hears the rest.
    fn going_on(self) -> Finished {
        Finished { status: Status::GoesOn, stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }

    async fn turn(
        &mut self,
        control: &Control,
        exited: bool,
        stopping: bool,
        kill_at: Option<Instant>,
        linger_until: Option<Instant>,
    ) -> Turn {
        tokio::select! {
            biased;
            stop = control.stopped(), if !stopping => Turn::MustStop(stop),
            () = at(kill_at), if kill_at.is_some() => Turn::GraceOver,
            () = at(linger_until), if linger_until.is_some() => Turn::LingerOver,
            ended = self.child.wait(), if !exited => Turn::Exited(ended.unwrap_or_default()),
            () = read_either(&mut self.stdout, &mut self.stderr) => Turn::Read,
        }
    }
}

/// Without a status the pipes were closed and the wait ended: not reached, as the loop ends only with one.
fn status_of(status: Option<ExitStatus>) -> Status {
    let status = status.unwrap_or_default();
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, signal) => Status::Signalled(signal.unwrap_or_default()),
    }
}
