//! The executor: takes the host's commands, never blocks, and answers each accepted id exactly once by a channel.

mod at_once;
mod batch;
mod beside;
mod cancel;

use self::at_once::{parts, untraced};
use self::batch::Batches;
use self::cancel::Cancels;
use super::audit::{Asked, Audit, LogAudit};
use super::context::CommandContext;
use super::summary::Summary;
use super::task;
use crate::policy::{CommandName, CommandSettings, refusal};
use crate::reply::Reply;
use crate::scheduler::{Admission, Bounds, ExecutionId, Refusal, Scheduler};
use crate::task::{Job, Unvalidated};
use crate::traced::Tracing;
use infiniservice_exec::{CommandError, CommandResult};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::guest::Output;
use infiniservice_protocol::parse::quote;
use infiniservice_protocol::{ErrorCode, HostMessage, Response};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

/// Answers of the executor that may wait for the main loop beyond those of accepted commands.
pub(super) const REFUSALS_MAX: usize = 1024;

/// Takes commands and answers them.
pub struct Executor {
    pub(super) shared: Arc<Shared>,
}

/// What the executor and its tasks share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) context: CommandContext,
    pub(super) replies: mpsc::Sender<Reply>,
    pub(super) audit: Arc<dyn Audit>,
    /// Where what programs write goes while they run.
    pub(super) outputs: Option<mpsc::Sender<Output>>,
    cancel: watch::Sender<bool>,
    idle: Notify,
}

/// The books behind the lock.
pub(super) struct State {
    settings: CommandSettings,
    pub(super) scheduler: Scheduler,
    /// Tells a waiting task to begin; dropped, it tells it that it never will.
    starts: HashMap<ExecutionId, oneshot::Sender<()>>,
    /// The reserved place in the channel, and what was asked, of each accepted id.
    pub(super) waiters: HashMap<String, Waiter>,
    pub(super) summary: Summary,
    pub(super) cancels: Cancels,
    pub(super) batches: Batches,
    /// The main loop's clock at a moment of tokio's.
    time: (Duration, Instant),
}

/// Who waits for an answer.
pub(super) struct Waiter {
    pub(super) place: mpsc::OwnedPermit<Reply>,
    pub(super) asked: Asked,
}

/// The channel for an executor's answers, in which an accepted command's always finds its place: also where the settings allow
/// for more of them later, up to `most` in flight. Places that nobody takes cost nothing.
pub fn reply_channel(
    settings: &CommandSettings,
    most: usize,
) -> (mpsc::Sender<Reply>, mpsc::Receiver<Reply>) {
    // There are no more batches than commands.
    mpsc::channel(2 * Bounds::from(&settings.limits).in_flight().max(most) + REFUSALS_MAX)
}

impl Executor {
    /// An executor that answers into `replies` (see [`reply_channel`]).
    pub fn new(settings: CommandSettings, context: CommandContext, replies: mpsc::Sender<Reply>) -> Self {
        let state = State {
            scheduler: Scheduler::new(Bounds::from(&settings.limits)),
            settings,
            starts: HashMap::new(),
            waiters: HashMap::new(),
            summary: Summary::default(),
            cancels: Cancels::default(),
            batches: Batches::default(),
            time: (Duration::ZERO, Instant::now()),
        };
        let shared = Shared {
            state: Mutex::new(state),
            context,
            replies,
            audit: Arc::new(LogAudit),
            outputs: None,
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

    /// The same, which sends what programs write while they run, where the host asks for it. What does not fit is left out.
    ///
    /// Only before the first command, as [`Self::with_audit`].
    #[must_use]
    pub fn with_outputs(mut self, outputs: mpsc::Sender<Output>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.outputs = Some(outputs);
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
        state.note_time(now);
        let (context, message) = untraced(message);
        let tracing = context.map(|context| Tracing::new(context, now.wall));
        let Some((id, action, asked_secs, work)) = parts(message) else { return };
        let lengths = alias.is_some();
        let alias = alias.unwrap_or(&action);
        let asked = Asked::new(alias, &work.parameters(lengths)).traced(tracing);
        match state.check(&self.shared.context, (&id, &action, alias), asked_secs, work) {
            Ok(job) => self.admit(&mut state, id, asked.clone(), job.traced(asked.tracing.as_ref())),
            Err(why) => self.shared.reject(&mut state, (&id, &action), &asked, why),
        }
    }

    fn admit(&self, state: &mut State, id: String, asked: Asked, job: Job) {
        let place = match self.shared.reserve() {
            Ok(place) => place,
            Err(error) => return self.shared.refuse(state, &id, job.name, &asked, error),
        };
        let now = state.mono();
        match state.scheduler.admit(now, job.request(&id)) {
            Admission::Accepted(execution) => {
                state.waiters.insert(id, Waiter { place, asked });
                self.shared.launch(state, execution, job);
                state.start_ready();
            }
            Admission::Joined(_) => {
                state.waiters.insert(id, Waiter { place, asked });
            }
            Admission::Replay(response) => self.shared.replay(state, *response, &asked),
            Admission::Refused(why) => self.shared.refuse(state, &id, job.name, &asked, refusal(why)),
        }
    }

    /// Takes over settings that may change at run time: the policy, how long commands may take, and how many there may be.
    /// What runs or waits stays. The lengths of lines and of output stay as they were at the start.
    pub fn reload(&self, settings: &CommandSettings) {
        let mut state = self.shared.lock();
        state.scheduler.set_bounds(Bounds::from(&settings.limits));
        state.settings = settings.clone();
        state.start_ready();
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
        self.shared.close_batches(&mut state);
        self.shared.tell_if_idle(&state);
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

/// Why a command does not run.
pub(super) enum Rejected {
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
        if let Some(known) = self.known(id) {
            return Err(known);
        }
        let job = self.job(context, (action, alias), asked_secs, work);
        job.map_err(Rejected::Error)
    }

    /// What is answered to a repeated id.
    pub(super) fn known(&mut self, id: &str) -> Option<Rejected> {
        if self.batches.has(id) || self.cancels.has(id) {
            return Some(Rejected::Error(refusal(Refusal::InFlight)));
        }
        match self.scheduler.repeated(self.mono(), id) {
            Some(Admission::Replay(response)) => Some(Rejected::Replay(response)),
            Some(Admission::Refused(why)) => Some(Rejected::Error(refusal(why))),
            // Its answer is no longer kept, but its batch still counts it.
            _ if self.batches.place_of(id).is_some() => Some(Rejected::Error(refusal(Refusal::ReplayCache))),
            Some(Admission::Accepted(_) | Admission::Joined(_)) | None => None,
        }
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

    /// Places in the channel of answers that are kept for accepted commands, batches, and those who wait for an end.
    pub(super) fn places_kept(&self) -> usize {
        self.waiters.len() + self.batches.len() + self.cancels.waiting()
    }

    /// The main loop's clock says so.
    pub(super) fn note_time(&mut self, now: Now) {
        self.time = (now.mono, Instant::now());
    }

    pub(super) fn mono(&self) -> Duration {
        self.time.0 + self.time.1.elapsed()
    }
}

impl Shared {
    /// A panic while the lock was held leaves counters at worst one off; going on is better than dying with it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the settings of this moment allow an action, and the machine is none that is sealed.
    pub(super) fn permit(&self, name: &str, alias: &str) -> Result<(), CommandError> {
        self.lock().settings.permit_as(name, alias)?;
        self.context.seal.refusal().map_or(Ok(()), Err)
    }

    /// Ends an execution: answers every id that waits for it and starts what now may.
    pub(super) fn finish(
        self: &Arc<Self>,
        execution: ExecutionId,
        name: &str,
        took: Duration,
        result: CommandResult,
    ) {
        let mut state = self.lock();
        let ids = state.scheduler.finish(execution);
        self.answer(&mut state, ids, name, took, result);
        state.starts.remove(&execution);
        state.cancels.ended(execution);
        self.go_on(&mut state);
        self.tell_if_idle(&state);
    }

    fn tell_if_idle(&self, state: &State) {
        if state.scheduler.in_flight() == 0 {
            self.idle.notify_waiters();
        }
    }

    /// Starts the task of a command that was let in; it begins when the scheduler gives it a place.
    fn launch(self: &Arc<Self>, state: &mut State, execution: ExecutionId, job: Job) {
        let (start, started) = oneshot::channel();
        state.starts.insert(execution, start);
        state.cancels.begins(execution, Arc::clone(&job.withdrawal), job.name);
        tokio::spawn(task::run(Arc::clone(self), execution, job, started, self.cancel.subscribe()));
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
}
