//! Starts programs on Linux and sees to it that nothing of them is left.

mod containment;
mod delegation;
#[cfg(test)]
mod end_tests;
mod process_table;
mod process_tree;
mod scope;
#[cfg(test)]
mod scope_tests;
mod spawn;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod user_tests;

use crate::containment::Containment;
use crate::output::Outputs;
use crate::run::Run;
use crate::{BoxFuture, Cancellation, Finished, Output, Program, Request, RunError, Runner, TakeLine};
use containment::Containments;
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::gate::Gate;
use spawn::Streams;
use std::fmt::Display;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Child;

/// The runner of this machine.
pub fn system_runner() -> Arc<dyn Runner> {
    Arc::new(SystemRunner::with(Containments::of_the_agent()))
}

/// The same in a process that has children of other kinds: the one above takes every stray child for a command's.
#[cfg(any(test, feature = "testing"))]
pub fn runner_beside_other_children() -> SystemRunner {
    SystemRunner::with(Containments::by_process_table())
}

/// [`Runner`] over real processes.
#[derive(Debug)]
pub struct SystemRunner {
    containments: Containments,
    gate: &'static Gate,
}

impl Runner for SystemRunner {
    fn run<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(self.start(request, cancellation, None))
    }

    fn run_lines<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(self.start(request, cancellation, Some(take)))
    }
}

impl SystemRunner {
    fn with(containments: Containments) -> Self {
        Self { containments, gate: Gate::of_the_process() }
    }

    async fn start(
        &self,
        request: Request,
        cancellation: &Cancellation,
        take: Option<TakeLine<'_>>,
    ) -> Result<Finished, RunError> {
        let path = tokio::select! {
            biased;
            stop = cancellation.stopped() => return Ok(Finished::before_it_began(stop)),
            path = locate(&request) => path?,
        };
        let pass = self.gate.pass().map_err(|closed| not_started(&path, closed))?;
        let mut containment = self.containments.contain(&request).await;
        let (keeps_pass, output) = (!request.runs_while_frozen, request.output);
        let (max, as_bytes) = (request.max_output_bytes, output != Output::Text);
        // Of a list that is read here nobody wants to see the lines.
        let follower = cancellation.follower().filter(|_| take.is_none()).cloned();
        let join = containment.join_fd().map_err(|error| not_contained(&path, &error))?;
        let (streams, merged) = match output {
            Output::Merged => Streams::merged().map_err(|error| not_started(&path, error))?,
            _ => (Streams::to(containment.inputs()), None),
        };
        let spawning = spawn(path, request, join, containment.environment(), streams);
        tokio::select! {
            biased;
            // What was to stop before it began does not begin.
            stop = cancellation.stopped() => {
                containment.end().await;
                Ok(Finished::before_it_began(stop))
            }
            child = spawning => {
                let run = Run::new(child?, containment, Outputs { max, as_bytes, merged, lines: take, follower });
                let _pass = keeps_pass.then_some(pass);
                Ok(run.finish(cancellation).await)
            }
        }
    }
}

fn not_contained(program: &Path, error: &std::io::Error) -> RunError {
    not_started(program, format_args!("cannot enter its cgroup: {error}"))
}

fn not_started(program: &Path, error: impl Display) -> RunError {
    RunError::NotStarted { program: program.display().to_string(), error: error.to_string() }
}

/// The program's path. Where the request names a directory, the program may lie on a mount that does not answer just as well.
async fn locate(request: &Request) -> Result<PathBuf, RunError> {
    let (Program::At(at), Some(_)) = (&request.program, &request.directory) else {
        return spawn::locate(&request.program);
    };
    let (program, path) = (at.display().to_string(), at.clone());
    let locating = blocking::join(Lane::Starts, &program, move || spawn::locate(&Program::At(path))).await;
    locating.map_err(|error| RunError::NotStarted { program, error: error.to_string() })?
}

/// Starts the program. Where it is to start in a directory of the host's choice, that happens away from the main thread: whoever
/// starts a program waits until it has entered its directory, and one on a dead network mount is never entered.
async fn spawn(
    path: PathBuf,
    request: Request,
    join: Option<File>,
    tag: Option<(&'static str, String)>,
    streams: Streams,
) -> Result<Child, RunError> {
    if request.directory.is_none() {
        return spawn::spawn(&path, &request, join, tag, streams);
    }
    let program = path.display().to_string();
    let what = format!("start in {}", request.directory.as_deref().unwrap_or(Path::new("/")).display());
    let runtime = tokio::runtime::Handle::current();
    let spawning = blocking::join(Lane::Starts, &what, move || {
        // What waits for the program belongs to the runtime.
        let _runtime = runtime.enter();
        spawn::spawn(&path, &request, join, tag, streams)
    });
    let failed = |error: Blocked| RunError::NotStarted { program, error: error.to_string() };
    spawning.await.map_err(failed)?
}
