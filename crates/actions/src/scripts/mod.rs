//! Scripts that a host hands over and does not wait for: each is stored before it is taken, and they run one at a time in their
//! order. What waits, runs or has ended is known after a restart of agent or machine, too.

mod disk;
mod outcome;
mod store;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
mod worker;

use crate::news::News;
use crate::shell::RawCommand;
use disk::Directory;
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Runner};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::ScriptShell;
use infiniservice_protocol::data::{ScriptInfo, ScriptState, ScriptStatusData};
use infiniservice_protocol::host::UnsafeCommand;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Entry, Written};
use tokio::sync::{mpsc, oneshot, watch};
use worker::Worker;

/// Orders that may wait; a host's batch is one.
const ORDERS_MAX: usize = 64;

/// How scripts are run and told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptSettings {
    /// Where they are kept; the platform's own place when absent.
    pub directory: Option<PathBuf>,
    /// Longest time that one may have.
    pub longest: Duration,
    /// Whether ends are told by [`News::Completion`] and forgotten once they were, instead of being kept for who asks.
    pub told: bool,
}

impl ScriptSettings {
    /// Where they are kept on this machine.
    pub fn directory(&self) -> PathBuf {
        self.directory.clone().unwrap_or_else(Directory::usual)
    }
}

/// A script as a host hands it over.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Submission {
    /// The host's name of this run.
    pub execution_id: String,
    /// A name for people.
    pub name: Option<String>,
    /// Its text.
    pub script: String,
    /// What runs it, by the host's word; the platform's own when absent.
    pub shell: Option<String>,
    /// As whom; as the agent itself when absent.
    pub run_as: Option<String>,
    /// How long it may run.
    pub timeout_secs: u32,
}

/// The scripts of this machine. Cheap to clone.
#[derive(Clone)]
pub struct Scripts {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// What the worker and those who ask it share.
#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    stop: watch::Sender<Stop>,
    /// Whether one waits or runs.
    pending: watch::Sender<bool>,
    /// Whether what a predecessor left has been read: before that, nobody can say that a script is not known.
    resumed: watch::Sender<bool>,
}

#[derive(Default)]
struct Book {
    entries: Vec<Entry>,
    /// Why none may run; absent when they may.
    forbidden: Option<String>,
    running: bool,
    /// Longest time that one which is taken from now on may have.
    longest: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    #[default]
    No,
    /// None begins any more.
    Closed,
    /// What runs is ended.
    Now,
}

enum Order {
    Submit(Vec<Submission>, Option<oneshot::Sender<CommandResult>>),
    Remove(String, oneshot::Sender<CommandResult>),
    Written(u64, oneshot::Sender<Result<Written, CommandError>>),
    Told(u64),
    Forget(oneshot::Sender<Result<String, CommandError>>),
    /// The policy may have changed.
    Look,
}

impl Scripts {
    /// Those that a predecessor left, and what comes. Must be called inside a tokio runtime.
    pub fn start(settings: ScriptSettings, runner: Arc<dyn Runner>, news: mpsc::Sender<News>) -> Self {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let shared = Arc::new(Shared::default());
        shared.book().forbidden = Some(NOT_YET.to_owned());
        shared.book().longest = settings.longest;
        let worker = Worker::new(settings, runner, news, Arc::clone(&shared));
        tokio::spawn(worker.run(taken));
        Self { orders, shared }
    }

    /// None at all, for tests of what has to do with none.
    pub fn none() -> Self {
        let (orders, _) = mpsc::channel(1);
        let shared = Arc::<Shared>::default();
        shared.resumed.send_replace(true);
        Self { orders, shared }
    }

    /// What the operator says: why none may run, or that they may, and how long at most.
    pub(crate) fn allow(&self, forbidden: Option<String>, longest: Duration) {
        let mut book = self.shared.book();
        (book.forbidden, book.longest) = (forbidden, longest);
        drop(book);
        // Full, the worker looks anyway.
        let _ = self.orders.try_send(Order::Look);
    }

    /// Stores a script; it is taken when this returns.
    pub(crate) async fn submit(&self, script: Submission) -> CommandResult {
        let (tell, told) = oneshot::channel();
        self.order(Order::Submit(vec![script], Some(tell)), told).await?
    }

    /// The same of several, without waiting: of each that is not taken [`News::ScriptRefused`] tells. Whether there is room for
    /// them at all.
    pub fn submit_all(&self, scripts: Vec<Submission>) -> bool {
        self.orders.try_send(Order::Submit(scripts, None)).is_ok()
    }

    /// A [`News::Completion`] reached the host.
    pub fn told(&self, number: u64) {
        let orders = self.orders.clone();
        tokio::spawn(async move {
            // Gone only with the agent, whose successor tells it again.
            let _ = orders.send(Order::Told(number)).await;
        });
    }

    /// Whether one runs.
    pub fn is_running(&self) -> bool {
        self.shared.book().running
    }

    /// Resolves once none waits and none runs.
    pub(crate) async fn settled(&self) {
        // Both ends are held by `self`: it does not fail.
        let _ = self.shared.pending.subscribe().wait_for(|pending| !pending).await;
    }

    /// Forgets all, as a copy of this machine must not know of them: how many there were.
    pub(crate) async fn forget(&self) -> Result<String, CommandError> {
        let (tell, told) = oneshot::channel();
        self.order(Order::Forget(tell), told).await?
    }

    /// First step of a shutdown: none begins any more.
    pub(crate) fn close(&self) {
        self.shared.stop_at_least(Stop::Closed);
    }

    /// Second step: what runs is ended.
    pub(crate) fn cancel(&self) {
        self.shared.stop_at_least(Stop::Now);
    }

    /// All that are known, or one with what it wrote.
    pub(crate) async fn status(&self, execution_id: Option<&str>) -> CommandResult {
        let mut resumed = self.shared.resumed.subscribe();
        // Its sender lives as long as this.
        drop(resumed.wait_for(|resumed| *resumed).await);
        let (running, found) = {
            let book = self.shared.book();
            let asked = |entry: &&Entry| execution_id.is_none_or(|id| entry.info.execution_id == id);
            (book.running, book.entries.iter().filter(asked).cloned().collect::<Vec<_>>())
        };
        let ended = match (execution_id, found.as_slice()) {
            (Some(id), []) => return Err(unknown(id)),
            (Some(_), [one]) if one.info.state == ScriptState::Ended => Some(one.number),
            _ => None,
        };
        let scripts = found.into_iter().map(|entry| entry.info).collect();
        let mut outcome =
            CommandOutcome::of(&ScriptStatusData { running, scripts, ..ScriptStatusData::default() })?;
        if let Some(number) = ended {
            let (tell, told) = oneshot::channel();
            let written = self.order(Order::Written(number, tell), told).await??;
            (outcome.stdout, outcome.stderr) = (written.stdout.into(), written.stderr.into());
        }
        Ok(outcome)
    }

    /// Forgets one that does not run.
    pub(crate) async fn remove(&self, execution_id: String) -> CommandResult {
        let (tell, told) = oneshot::channel();
        self.order(Order::Remove(execution_id, tell), told).await?
    }

    async fn order<T>(&self, order: Order, told: oneshot::Receiver<T>) -> Result<T, CommandError> {
        let gone = || CommandError::new(ErrorCode::Cancelled, "the agent is shutting down");
        self.orders.send(order).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())
    }
}

/// Until the executor has told what the operator says.
const NOT_YET: &str = "the agent is starting";

fn unknown(execution_id: &str) -> CommandError {
    CommandError::new(ErrorCode::NotFound, format!("no script of the execution {execution_id:?} is known"))
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop_at_least(&self, stop: Stop) {
        self.stop.send_if_modified(|now| {
            let later = stop > *now;
            *now = stop.max(*now);
            later
        });
    }
}

impl Submission {
    /// What is refused of it before it is stored: its shell with the code 126, all else with 127.
    fn check(&self) -> Result<RawCommand, (i32, CommandError)> {
        let shell = self.shell.as_ref().map(|shell| shell.to_ascii_lowercase());
        let command = UnsafeCommand {
            raw_command: self.script.clone(),
            shell,
            run_as: self.run_as.clone(),
            ..UnsafeCommand::default()
        };
        if let Some(shell) = self.shell.as_deref().filter(|shell| ScriptShell::from_word(shell).is_none()) {
            let shown: String = shell.chars().filter(|c| !c.is_control()).take(40).collect();
            let error = format!("`shell` must be sh, bash, cmd or powershell, not {shown:?}");
            return Err((outcome::NOT_ALLOWED, CommandError::new(ErrorCode::Unsupported, error)));
        }
        RawCommand::shell(command.shell.as_deref()).map_err(|error| (outcome::NOT_ALLOWED, error))?;
        let checked = RawCommand::check(command).map_err(|error| (outcome::NOT_STARTED, error))?;
        Ok(checked.in_file())
    }

    /// As it is stored and told.
    fn info(&self, now: String, longest: Duration) -> ScriptInfo {
        let shell = RawCommand::shell(self.shell.as_deref().map(str::to_ascii_lowercase).as_deref());
        let longest = u32::try_from(longest.as_secs()).unwrap_or(u32::MAX).max(1);
        ScriptInfo {
            execution_id: self.execution_id.clone(),
            name: self.name.clone(),
            shell: shell.unwrap_or_default().to_owned(),
            run_as: self.run_as.clone(),
            timeout_secs: self.timeout_secs.clamp(1, longest),
            submitted_at: now,
            ..ScriptInfo::default()
        }
    }
}

/// Work on the store, in a thread that may wait for the disk. While file systems are frozen it waits for their thaw.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    let done = blocking::join(Lane::Walks, "the store of scripts", move || {
        let gate = infiniservice_platform::gate::Gate::of_the_process();
        let pass = loop {
            match gate.pass() {
                Ok(pass) => break pass,
                Err(_) => gate.wait_until_open(),
            }
        };
        let done = work();
        drop(pass);
        done
    });
    done.await.map_err(|blocked| CommandError::new(ErrorCode::ExecutionFailed, blocked.to_string()))
}
