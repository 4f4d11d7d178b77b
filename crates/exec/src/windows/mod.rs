//! Starts programs on Windows, each in a job object of its own, and sees to it that nothing of them is left: the job ends all its
//! processes when its last handle closes, whoever closes it, the end of the agent included.

pub mod environment;
#[cfg(test)]
mod tests;

use crate::containment::Containment;
use crate::output::Outputs;
use crate::run::Run;
use crate::{BoxFuture, Cancellation, Finished, Output, Request, RunError, Runner, Status, TakeLine};
use infiniservice_platform::win32::job_unsafe::{self, Job};
use infiniservice_platform::win32::native_unsafe;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How long the last processes of a job may take to go. It ends before the time that the executor gives a command to end.
const END: Duration = Duration::from_secs(2);
/// `CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP`: nothing of it runs before it is in its job.
const FLAGS: u32 = 0x0000_0004 | 0x0800_0000 | 0x0000_0200;

/// The runner of this machine.
pub fn system_runner() -> Arc<dyn Runner> {
    Arc::new(SystemRunner)
}

/// [`Runner`] over real processes.
#[derive(Clone, Copy, Debug)]
pub struct SystemRunner;

impl Runner for SystemRunner {
    fn run<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(run(request, cancellation, None))
    }

    fn run_lines<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(run(request, cancellation, Some(take)))
    }
}

async fn run(
    request: Request,
    cancellation: &Cancellation,
    take: Option<TakeLine<'_>>,
) -> Result<Finished, RunError> {
    let input = request.input.clone();
    let (max, as_bytes) = (request.max_output_bytes, request.output != Output::Text);
    // Of a list that is read here nobody wants to see the lines.
    let follower = cancellation.follower().filter(|_| take.is_none()).cloned();
    tokio::select! {
        biased;
        // What was to stop before it began does not begin; one that just begins goes with its job.
        stop = cancellation.stopped() => Ok(Finished::before_it_began(stop)),
        started = start_aside(request) => {
            let (mut child, job) = started?;
            feed(&mut child, input);
            let outputs = Outputs { max, as_bytes, merged: None, lines: take, follower };
            Ok(Run::new(child, JobContainment(job), outputs).finish(cancellation).await)
        }
    }
}

/// Writes its input. It may never read that: the pipe breaks when it ends.
fn feed(child: &mut Child, input: Vec<u8>) {
    if let Some(mut stdin) = child.stdin.take() {
        tokio::spawn(async move {
            let _all_that_it_wanted = stdin.write_all(&input).await;
        });
    }
}

/// Starts it away from the main thread: its directory may lie on a dead share, and whoever starts a program there waits for it.
async fn start_aside(request: Request) -> Result<(Child, Job), RunError> {
    let starting = tokio::task::spawn_blocking(move || start(&request));
    let failed = |error: tokio::task::JoinError| RunError::NotStarted {
        program: "?".into(),
        error: error.to_string(),
    };
    starting.await.map_err(failed)?
}

/// Starts it suspended, puts it into its job, and lets it go. What fails on the way is ended with the job.
fn start(request: &Request) -> Result<(Child, Job), RunError> {
    let path = environment::locate(&request.program)?;
    if let Some(identity) = &request.identity {
        let error = "Windows requires a password for that".to_owned();
        return Err(RunError::Identity { uid: identity.uid, error });
    }
    let directory = request.directory.clone().unwrap_or_else(environment::system_directory);
    if !directory.is_dir() {
        let (path, kind) = (directory.display().to_string(), std::io::ErrorKind::NotFound);
        return Err(RunError::Directory { path, error: "it does not exist".into(), kind });
    }
    let program = path.display().to_string();
    let failed =
        |error: std::io::Error| RunError::NotStarted { program: program.clone(), error: error.to_string() };
    // Changes of packages are bounded in their number of processes only, so that none is stopped half-way.
    let memory_max = if request.outlives_the_agent { None } else { memory_max() };
    let job = Job::new(memory_max).map_err(failed)?;
    let mut command = Command::new(&path);
    command.env_clear().envs(environment::clean()).envs(request.environment.iter().cloned());
    command.current_dir(directory).creation_flags(FLAGS).kill_on_drop(true);
    let stdin = if request.input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    match &request.command_line {
        Some(line) => command.raw_arg(line),
        None => command.args(&request.arguments),
    };
    let child = command.spawn().map_err(failed)?;
    job.adopt(&child).map_err(failed)?;
    let pid = child.id().ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    job_unsafe::resume(pid).map_err(failed)?;
    Ok((child, job))
}

/// Three quarters of the machine's memory, in bytes; the rest stays its own.
fn memory_max() -> Option<usize> {
    let memory = native_unsafe::memory().ok()?;
    usize::try_from(memory.total / 4 * 3).ok().filter(|bytes| *bytes > 0)
}

/// A job with all that the program starts. Dropped, it ends them.
struct JobContainment(Job);

impl Containment for JobContainment {
    /// What is ended ends at once.
    const CAN_BE_ASKED: bool = false;

    async fn terminate(&mut self) {
        self.0.terminate();
    }

    async fn kill(&mut self) {
        self.0.terminate();
    }

    /// Ends what is left of the job, and waits until it is empty.
    async fn end(self) {
        self.0.terminate();
        let until = Instant::now() + END;
        let mut pause = Duration::from_millis(1);
        let mut left = self.0.processes();
        while !matches!(left, Ok(0)) && Instant::now() < until {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
            left = self.0.processes();
        }
        match left {
            Ok(0) => {}
            Ok(count) => log::warn!("{count} processes of a command have not ended"),
            Err(error) => log::warn!("cannot determine whether a command's processes have ended: {error}"),
        }
    }

    /// Windows knows no signals: whoever ends a process chooses its exit code.
    fn status_of(ended: ExitStatus) -> Status {
        ended.code().map_or(Status::Lost, Status::Exited)
    }
}
