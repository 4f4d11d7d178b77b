//! The executor: takes the host's commands, never blocks, and answers each accepted id exactly once by a channel.

mod beside;

use super::audit::{Asked, Audit, LogAudit};
use super::context::CommandContext;
use super::summary::Summary;
use super::task;
use crate::policy::{CommandName, CommandSettings, refusal};
use crate::scheduler::{Admission, Bounds, ExecutionId, Refusal, Scheduler};
use crate::task::{Job, Unvalidated, response};
use infiniservice_exec::{CommandError, CommandResult};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::parse::quote;
use infiniservice_protocol::{ErrorCode, HostMessage, Response};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

/// Answers of the executor that may wait for the main loop beyond those of accepted commands.
const REFUSALS_MAX: usize = 1024;
/// The same of replayed answers, each of which may be megabytes long.
const REPLAYS_MAX: usize = 8;
/// Why a command is not taken.
const OUTBOX_FULL: &str = "the answers waiting for the host fill outbox_max_bytes; read them, then ask again";

/// Takes commands and answers them.
pub struct Executor {
    shared: Arc<Shared>,
}

/// What the executor and its tasks share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) context: CommandContext,
    replies: mpsc::Sender<Response>,
    audit: Arc<dyn Audit>,
    cancel: watch::Sender<bool>,
    idle: Notify,
}

struct State {
    settings: CommandSettings,
    scheduler: Scheduler,
    /// Tells a waiting task to begin; dropped, it tells it that it never will.
    starts: HashMap<ExecutionId, oneshot::Sender<()>>,
    /// The reserved place in the channel, and what was asked, of each accepted id.
    waiters: HashMap<String, Waiter>,
    summary: Summary,
    /// The main loop's clock at a moment of tokio's.
    time: (Duration, Instant),
}

struct Waiter {
    place: mpsc::OwnedPermit<Response>,
    asked: Asked,
}

/// The channel for an executor's answers, in which an accepted command's always finds its place.
pub fn reply_channel(settings: &CommandSettings) -> (mpsc::Sender<Response>, mpsc::Receiver<Response>) {
    mpsc::channel(Bounds::from(&settings.limits).in_flight() + REFUSALS_MAX)
}

impl Executor {
    /// An executor that answers into `replies` (see [`reply_channel`]).
    pub fn new(settings: CommandSettings, context: CommandContext, replies: mpsc::Sender<Response>) -> Self {
        let state = State {
            scheduler: Scheduler::new(Bounds::from(&settings.limits)),
            settings,
            starts: HashMap::new(),
            waiters: HashMap::new(),
            summary: Summary::default(),
            time: (Duration::ZERO, Instant::now()),
        };
        let shared = Shared {
            state: Mutex::new(state),
            context,
            replies,
            audit: Arc::new(LogAudit),
            cancel: watch::Sender::new(false),
            idle: Notify::new(),
        };
        let executor = Self { shared: Arc::new(shared) };
        executor.allow_scripts();
        executor
    }

    /// The same with another audit.
    ///
    /// Only before the first command: afterwards the executor's tasks share it, and it stays as it is.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn Audit>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.audit = audit;
        }
        self
    }

    /// Takes a command; its answer, or the reason why it is not taken, arrives by the channel. Other messages are
    /// not for the executor and do nothing. Must be called inside a tokio runtime.
    pub fn submit(&self, now: Now, message: HostMessage) {
        self.submit_as(now, message, None);
    }

    /// The same of a command whose action the host calls by another name, which policy and audit heed. Such a host puts secrets
    /// into texts of commands: the audit is told their lengths.
    pub fn submit_as(&self, now: Now, message: HostMessage, alias: Option<&str>) {
        let mut state = self.shared.lock();
        state.time = (now.mono, Instant::now());
        let Some((id, action, asked_secs, work)) = parts(message) else { return };
        let lengths = alias.is_some();
        let alias = alias.unwrap_or(&action);
        let asked = Asked::new(alias, &work.parameters(lengths));
        match state.check(&self.shared.context, (&id, &action, alias), asked_secs, work) {
            Ok(job) => self.admit(&mut state, id, asked, job),
            Err(Rejected::Error(error)) => self.shared.refuse(&mut state, &id, &action, &asked, error),
            Err(Rejected::Replay(response)) => self.shared.replay(&mut state, *response, &asked),
        }
    }

    /// The answer to a command for which the link has no room: `DUPLICATE_ID` where its id is known, else `QUEUE_FULL`. It
    /// does not run.
    pub fn turn_away(&self, now: Now, message: HostMessage) -> Option<Response> {
        let mut state = self.shared.lock();
        state.time = (now.mono, Instant::now());
        let (id, action, _, work) = parts(message)?;
        let asked = Asked::new(&action, &work.parameters(true));
        let error = match state.scheduler.repeated(now.mono, &id) {
            Some(Admission::Refused(Refusal::InFlight)) => refusal(Refusal::InFlight),
            Some(_) => refusal(Refusal::ReplayCache),
            None => CommandError::new(ErrorCode::QueueFull, OUTBOX_FULL),
        };
        let response = response(&id, &action, Duration::ZERO, Err(error));
        self.shared.note(&mut state, &asked, &response);
        Some(response)
    }

    fn admit(&self, state: &mut State, id: String, asked: Asked, job: Job) {
        let Ok(place) = self.shared.replies.clone().try_reserve_owned() else {
            let error = refusal(Refusal::QueueFull);
            return self.shared.refuse(state, &id, job.name, &asked, error);
        };
        let now = state.mono();
        match state.scheduler.admit(now, job.request(&id)) {
            Admission::Accepted(execution) => {
                let (start, started) = oneshot::channel();
                state.starts.insert(execution, start);
                state.waiters.insert(id, Waiter { place, asked });
                tokio::spawn(task::run(
                    self.shared.clone(),
                    execution,
                    job,
                    started,
                    self.shared.cancel.subscribe(),
                ));
                state.start_ready();
            }
            Admission::Joined(_) => {
                state.waiters.insert(id, Waiter { place, asked });
            }
            Admission::Replay(response) => self.shared.replay(state, *response, &asked),
            Admission::Refused(why) => self.shared.refuse(state, &id, job.name, &asked, refusal(why)),
        }
    }

    /// Takes over settings that may change at run time: the policy. Bounds stay as they were.
    pub fn reload(&self, settings: &CommandSettings) {
        let mut state = self.shared.lock();
        state.settings = CommandSettings { limits: state.settings.limits.clone(), ..settings.clone() };
        drop(state);
        self.allow_scripts();
    }

    /// Commands in flight, waiting ones included.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().scheduler.in_flight()
    }

    /// First step of a shutdown: takes no more commands and answers those that wait with `CANCELLED`.
    pub fn close(&self) {
        self.shared.context.scripts.close();
        let mut state = self.shared.lock();
        for execution in state.scheduler.close() {
            state.starts.remove(&execution);
        }
    }

    /// Second step, at the deadline: ends what still runs, with all its processes, and answers `CANCELLED`.
    pub fn cancel(&self) {
        self.close();
        self.shared.context.scripts.cancel();
        self.shared.cancel.send_replace(true);
    }

    /// Resolves when nothing is in flight.
    pub async fn idle(&self) {
        loop {
            let notified = self.shared.idle.notified();
            if self.in_flight() == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// A command's id, its action, the time that it asks for, and itself.
fn parts(message: HostMessage) -> Option<(String, String, Option<u64>, Unvalidated)> {
    match message {
        HostMessage::SafeCommand(command) => {
            Some((command.id.clone(), command.action.clone(), command.timeout, Unvalidated::Safe(command)))
        }
        HostMessage::UnsafeCommand(command) => Some((
            command.id.clone(),
            UNSAFE_COMMAND.to_owned(),
            command.timeout,
            Unvalidated::Unsafe(command),
        )),
        _ => None,
    }
}

enum Rejected {
    Error(CommandError),
    Replay(Box<Response>),
}

impl State {
    /// The job that a command is, or why there is none. An id that was answered gets its answer before anything else
    /// is looked at.
    fn check(
        &mut self,
        context: &CommandContext,
        (id, action, alias): (&str, &str, &str),
        asked_secs: Option<u64>,
        work: Unvalidated,
    ) -> Result<Job, Rejected> {
        let now = self.mono();
        match self.scheduler.repeated(now, id) {
            Some(Admission::Replay(response)) => return Err(Rejected::Replay(response)),
            Some(Admission::Refused(why)) => return Err(Rejected::Error(refusal(why))),
            _ => {}
        }
        let job = self.job(context, (action, alias), asked_secs, work);
        job.map_err(Rejected::Error)
    }

    fn job(
        &self,
        context: &CommandContext,
        (action, alias): (&str, &str),
        asked_secs: Option<u64>,
        work: Unvalidated,
    ) -> Result<Job, CommandError> {
        let Some(command) = CommandName::find(action) else {
            let error = format!("there is no action {}; `Hello` lists all actions", quote(action));
            return Err(CommandError::new(ErrorCode::UnknownAction, error));
        };
        self.settings.permit_as(command.name(), alias)?;
        context.seal.refusal().map_or(Ok(()), Err)?;
        if let Some(reason) = command.unsupported(context.features()) {
            let error = format!("{} is not available: {reason}", command.name());
            return Err(CommandError::new(ErrorCode::Unsupported, error));
        }
        let timeout = command.timeout(asked_secs, self.settings.limits.max_command_timeout_secs);
        Job::new(command, alias, timeout, work)
    }

    fn start_ready(&mut self) {
        for execution in self.scheduler.start_ready() {
            if let Some(start) = self.starts.remove(&execution) {
                // A task that is gone already has answered, and has been finished.
                let _ = start.send(());
            }
        }
    }

    fn mono(&self) -> Duration {
        self.time.0 + self.time.1.elapsed()
    }
}

impl Shared {
    /// A panic while the lock was held leaves counters at worst one off; going on is better than dying with it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the settings of this moment allow an action, and the machine is none that is sealed.
    pub(super) fn permit(&self, name: &str, alias: &str) -> Result<(), CommandError> {
        self.lock().settings.permit_as(name, alias)?;
        self.context.seal.refusal().map_or(Ok(()), Err)
    }

    /// Ends an execution: answers every id that waits for it and starts what now may.
    pub(super) fn finish(&self, execution: ExecutionId, name: &str, took: Duration, result: CommandResult) {
        let mut state = self.lock();
        let ids = state.scheduler.finish(execution);
        self.answer(&mut state, ids, name, took, result);
        state.starts.remove(&execution);
        state.start_ready();
        if state.scheduler.in_flight() == 0 {
            self.idle.notify_waiters();
        }
    }

    /// Ends an execution whose time is over for those that waited for it since before `since`, which get `result`. Whether others joined it
    /// later, to whom its own time is not theirs: for them it has to begin anew.
    pub(super) fn time_is_over(
        &self,
        (execution, since): (ExecutionId, Duration),
        name: &str,
        took: Duration,
        result: &CommandResult,
    ) -> bool {
        let mut state = self.lock();
        let early = state.scheduler.leave_to_later(execution, since);
        if early.is_empty() {
            return false;
        }
        self.answer(&mut state, early, name, took, result.clone());
        true
    }

    /// The moment by the clock of the books.
    pub(super) fn mono(&self) -> Duration {
        self.lock().mono()
    }

    fn answer(&self, state: &mut State, ids: Vec<String>, name: &str, took: Duration, result: CommandResult) {
        let now = state.mono();
        let results = std::iter::repeat_n(result, ids.len());
        for (id, result) in ids.into_iter().zip(results) {
            let response = response(&id, name, took, result);
            state.scheduler.remember(now, &response);
            if let Some(Waiter { place, asked }) = state.waiters.remove(&id) {
                self.note(state, &asked, &response);
                place.send(response);
            }
        }
    }

    fn refuse(&self, state: &mut State, id: &str, action: &str, asked: &Asked, error: CommandError) {
        let response = response(id, action, Duration::ZERO, Err(error));
        self.note(state, asked, &response);
        self.send(state, response);
    }

    fn replay(&self, state: &mut State, answer: Response, asked: &Asked) {
        let waiting = self.replies.max_capacity() - self.replies.capacity() - state.waiters.len();
        if waiting < REPLAYS_MAX {
            log::debug!("command id {:?} was answered before: repeating the answer", answer.id);
            return self.send(state, answer);
        }
        let error = refusal(Refusal::ReplayCache);
        self.refuse(state, &answer.id, &answer.command_type, asked, error);
    }

    fn note(&self, state: &mut State, asked: &Asked, response: &Response) {
        state.summary.count(response);
        self.audit.record(&asked.answered(response));
    }

    fn send(&self, state: &mut State, response: Response) {
        if self.replies.try_send(response).is_err() {
            state.summary.dropped += 1;
            log::debug!("an answer was dropped: {REFUSALS_MAX} others wait for the main loop");
        }
    }
}
