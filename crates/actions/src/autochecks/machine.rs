//! What the checks read the machine through, and what several of them share.

use super::file_systems::FileSystems;
use super::finding::Skip;
use super::journal::{self, Log};
use super::thresholds::Asked;
use crate::Services;
use crate::packages::RepoMetadata;
use infiniservice_exec::{BoxFuture, Cancellation, Finished, Program, Request, Runner, Status, Stop};
use infiniservice_platform::blocking::{self, Blocked, Coming, Lane};
use infiniservice_protocol::data::UpdateCheckData;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// No file that is read here is larger on a sane machine.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Output of one program, in bytes.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

type Shared<T> = OnceCell<Result<Arc<T>, Skip>>;

/// One round's view of the machine. The clones share what was asked once.
#[derive(Clone)]
pub struct Machine {
    /// `/`, or a recorded tree.
    pub root: PathBuf,
    /// Starts programs.
    pub runner: Arc<dyn Runner>,
    /// Knows services.
    pub services: Arc<dyn Services>,
    /// Knows pending updates.
    pub updates: Arc<dyn UpdateSource>,
    /// The thresholds that the host asked for.
    pub asked: Asked,
    /// The time that there is.
    pub cancellation: Cancellation,
    /// Empty at first.
    pub once: Arc<Once>,
}

/// What is asked once in a round.
#[derive(Default)]
pub struct Once {
    kernel_log: Shared<Log>,
    pending: Shared<Known>,
    pub(super) file_systems: Shared<FileSystems>,
}

impl Machine {
    /// The same for one check that may take so long: of the command's time a tenth is kept for the answer.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let share = limit.min(self.cancellation.remaining().mul_f64(0.9));
        Self { cancellation: self.cancellation.shortened(share), ..self.clone() }
    }

    /// A file of up to 1 MiB, whole: a part of it could look better than all of it. The path is below the root.
    pub async fn read(&self, path: &'static str) -> Result<Vec<u8>, Skip> {
        self.read_if_there(path).await?.ok_or_else(|| Skip(format!("/{path} does not exist here")))
    }

    /// The same; `None` where there is no such file.
    pub async fn read_if_there(&self, path: &'static str) -> Result<Option<Vec<u8>>, Skip> {
        let full = self.root.join(path);
        match run_blocking(path, move || whole(&full)).await? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Skip(format!("/{path}: {error}"))),
        }
    }

    /// What a program writes that has to succeed. More than 1 MiB of it is no answer: its beginning may say the opposite.
    pub async fn output(&self, request: Request) -> Result<String, Skip> {
        let program = named(&request);
        let finished = self.run(request.max_output(MAX_OUTPUT_BYTES)).await?;
        if !finished.succeeded() {
            return Err(failed(&program, &finished));
        }
        if finished.stdout.truncated {
            let bytes = finished.stdout.total_bytes;
            return Err(Skip(format!("{program} wrote {bytes} bytes, more than the limit")));
        }
        Ok(finished.stdout.text)
    }

    /// A run of a program, however it ended.
    pub async fn run(&self, request: Request) -> Result<Finished, Skip> {
        self.runner.run(request, &self.cancellation).await.map_err(|error| Skip(error.to_string()))
    }

    /// Errors and the warnings that matter of the kernel since boot, the newest first.
    pub async fn kernel_log(&self) -> Result<Arc<Log>, Skip> {
        let read = || async { Ok(Arc::new(self.errors_and_warnings().await?)) };
        self.once.kernel_log.get_or_init(read).await.clone()
    }

    async fn errors_and_warnings(&self) -> Result<Log, Skip> {
        let errors = self.log(journal::errors()).await?;
        let warnings = match self.log(journal::warnings(true)).await {
            Ok(warnings) => warnings,
            Err(_) => self.log(journal::warnings(false)).await?,
        };
        Ok(errors.with(warnings))
    }

    async fn log(&self, request: Request) -> Result<Log, Skip> {
        let program = named(&request);
        let finished = self.run(request).await?;
        // Newer versions end with 1 where nothing has the pattern.
        let nothing = finished.exit_code() == Some(1)
            && finished.stdout.text.is_empty()
            && finished.stderr.text.is_empty();
        if !finished.succeeded() && !nothing {
            return Err(failed(&program, &finished));
        }
        Ok(Log::read(&finished.stdout.text, finished.stdout.truncated))
    }

    /// Pending updates, asked for once.
    pub async fn pending_updates(&self) -> Result<Arc<Known>, Skip> {
        let ask = || async { self.updates.pending(&self.cancellation).await.map(Arc::new).map_err(Skip) };
        self.once.pending.get_or_init(ask).await.clone()
    }
}

fn named(request: &Request) -> String {
    match &request.program {
        Program::Named(name) => (*name).to_owned(),
        Program::At(path) => path.display().to_string(),
    }
}

fn failed(program: &str, finished: &Finished) -> Skip {
    let words: String = finished.stderr.text.lines().last().unwrap_or_default().chars().take(200).collect();
    Skip(format!("{program} {}: {words}", how_it_ended(&finished.status)))
}

fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other("it is longer than the limit of 1 MiB"));
    }
    Ok(bytes)
}

/// In words that go on after the program's name; a person reads them.
fn how_it_ended(status: &Status) -> String {
    match status {
        Status::Exited(code) => format!("failed with exit code {code}"),
        Status::Signalled(signal) => format!("was ended by signal {signal}"),
        Status::Stopped(Stop::TimedOut(limit)) => format!("took longer than {} s", limit.as_secs()),
        Status::Stopped(Stop::Cancelled) => "was stopped with the agent".into(),
        Status::Stopped(Stop::Withdrawn) => "was stopped by the host".into(),
        _ => "did not finish".into(),
    }
}

/// Starts `work` in a thread of its own; `what` names it in errors.
pub(super) fn start_blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Coming<T>, Skip> {
    blocking::start(Lane::Checks, what, work).map_err(skip)
}

/// The same, waited for; the check's own time bounds it.
pub(super) async fn run_blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Skip> {
    start_blocking(what, work)?.await.map_err(skip)
}

#[allow(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn skip(blocked: Blocked) -> Skip {
    Skip(blocked.to_string())
}

/// What is known without fetching new lists of packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// By the lists that are there.
    pub updates: UpdateCheckData,
    /// Whether these are there, and how new they are.
    pub lists: RepoMetadata,
}

/// Knows the pending updates.
pub trait UpdateSource: Send + Sync {
    /// From the lists that are there, without fetching new ones; the text says why it is not known.
    fn pending<'a>(&'a self, cancellation: &'a Cancellation) -> BoxFuture<'a, Result<Known, String>>;
}

/// Where nobody can be asked.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub struct NotAsked;

#[cfg(test)]
impl UpdateSource for NotAsked {
    fn pending<'a>(&'a self, _: &'a Cancellation) -> BoxFuture<'a, Result<Known, String>> {
        Box::pin(async { Err("there is no package manager".into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_end_of_a_program_is_told_in_words() {
        let ends = [
            Status::Exited(1),
            Status::Signalled(9),
            Status::Stopped(Stop::TimedOut(Duration::from_secs(5))),
            Status::Stopped(Stop::Cancelled),
            Status::Lost,
        ];
        for end in ends {
            let told = how_it_ended(&end);
            assert!(!told.contains(['(', '{', '"']) && told.starts_with(char::is_lowercase), "{told}");
        }
    }

    #[tokio::test]
    async fn what_hangs_again_and_again_is_skipped_and_says_so() {
        let mut held = Vec::new();
        let refused = loop {
            let (release, wait) = mpsc::channel::<()>();
            held.push(release);
            match start_blocking("a check's dead mount", move || wait.recv().is_err()) {
                Ok(given_up) => drop(given_up),
                Err(skip) => break skip,
            }
            assert!(held.len() < 10, "nothing bounds them");
        };
        assert!(refused.0.contains("earlier calls are still waiting"), "{refused}");
        assert!(run_blocking("another", || true).await.unwrap());
    }

    #[tokio::test]
    async fn a_panic_in_the_thread_costs_only_this_call() {
        let error = run_blocking("bad luck", || -> u8 { panic!("on purpose") }).await.unwrap_err();
        assert!(error.0.contains("died"), "{error}");
    }
}
