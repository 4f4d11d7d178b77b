//! `Batch`: several commands that are taken together or not at all.
//!
//! Each of them is an execution of its own, with its own policy, answer and audit record. Its place among those that wait is kept from
//! the start; it gets into the queue when its turn comes. None shares the execution of an equal read: what a batch reads after a
//! change must not have been read before it.

mod books;
mod cancel;
mod course;

pub(super) use books::Batches;
pub(super) use cancel::Ended;

use super::{Executor, Rejected, Shared, State, Waiter, parts};
use crate::audit::Asked;
use crate::policy::refusal;
use crate::reply::Reply;
use crate::scheduler::{ConcurrencyClass, ExecutionId, Refusal, Request};
use crate::task::{Job, response};
use crate::traced::Tracing;
use books::{Flying, Inner};
use course::{Step, Why};
use infiniservice_exec::{CommandError, CommandResult};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::batch::{BATCH, BatchResult, Outcome};
use infiniservice_protocol::host::{Batch, BatchCommand};
use infiniservice_protocol::trace::TraceContext;
use infiniservice_protocol::{ErrorCode, HostMessage, Response};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

impl Executor {
    /// Takes a batch: its commands' responses arrive by the channel, then its result. Or one response refuses all of it; gives how many
    /// of the answers that it would have had will then not come. Must be called inside a tokio runtime.
    #[must_use]
    pub fn submit_batch(&self, now: Now, batch: Batch, context: Option<TraceContext>) -> usize {
        let (id, commands) = (batch.id.clone(), batch.commands.len());
        let tracing = context.map(|context| Tracing::new(context, now.wall));
        let asked = Asked::new(BATCH, &parameters(&batch)).traced(tracing);
        let mut state = self.shared.lock();
        state.note_time(now);
        let taken = match state.known(&id) {
            None => self.shared.take_batch(&mut state, batch, &asked),
            Some(Rejected::Error(error)) => Err(error),
            Some(Rejected::Replay(record)) => self.shared.replay_batch(&mut state, &record, commands, &asked),
        };
        match taken {
            Ok(()) => 0,
            Err(error) => {
                self.shared.refuse(&mut state, &id, BATCH, &asked, error);
                commands
            }
        }
    }

    /// The same of a host whose kind knows no batches.
    #[must_use]
    pub fn refuse_batch(&self, now: Now, batch: &Batch, error: CommandError) -> usize {
        let asked = Asked::new(BATCH, &parameters(batch));
        let mut state = self.shared.lock();
        state.note_time(now);
        self.shared.refuse(&mut state, &batch.id, BATCH, &asked, error);
        batch.commands.len()
    }
}

/// For the audit: the commands have their own records.
fn parameters(batch: &Batch) -> String {
    let ids: Vec<_> = batch.commands.iter().map(BatchCommand::id).collect();
    json!({ "mode": batch.mode, "on_error": batch.on_error, "timeout": batch.timeout, "commands": ids })
        .to_string()
}

impl Shared {
    fn take_batch(
        self: &Arc<Self>,
        state: &mut State,
        batch: Batch,
        asked: &Asked,
    ) -> Result<(), CommandError> {
        for (at, command) in batch.commands.iter().enumerate() {
            if state.known(command.id()).is_some() {
                return Err(known_inside(at));
            }
        }
        let place = self.reserve()?;
        let places = batch.commands.iter().map(|_| self.reserve()).collect::<Result<Vec<_>, _>>()?;
        let commands: Vec<_> =
            batch.commands.into_iter().filter_map(|one| self.ready(state, one, asked)).collect();
        let requests = commands.iter().map(|one| one.request.clone()).collect();
        let executions = state.scheduler.admit_all(state.mono(), requests).map_err(no_room)?;
        let timeout = state.settings.batch_timeout(batch.timeout);
        let accepted = commands.into_iter().zip(executions).zip(places);
        let commands = accepted.map(|((ready, execution), place)| {
            let Ready { request, name, asked, job } = ready;
            state.waiters.insert(request.id.clone(), Waiter { place, asked });
            Inner { id: request.id, name, execution, job: Some(job), outcome: None }
        });
        let (commands, how) = (commands.collect(), (batch.mode, batch.on_error));
        state.batches.insert(batch.id, Flying::new(place, asked.clone(), timeout, how, commands));
        self.go_on(state);
        Ok(())
    }

    /// A command, looked at as if it had come by itself. What is wrong with it is its own answer when its turn comes.
    fn ready(&self, state: &State, command: BatchCommand, batch: &Asked) -> Option<Ready> {
        let message = match command {
            BatchCommand::Safe(command) => HostMessage::SafeCommand(command),
            BatchCommand::Unsafe(command) => HostMessage::UnsafeCommand(command),
        };
        let (id, name, timeout, work) = parts(message)?;
        let tracing = batch.tracing.as_ref().map(Tracing::beside);
        let asked = Asked::new(&name, &work.parameters(false)).traced(tracing);
        let job = state.job(&self.context, (&name, &name), timeout, work);
        let job = job.map(|job| job.traced(asked.tracing.as_ref()));
        let request = match &job {
            Ok(job) => Request { key: None, ..job.request(&id) },
            Err(_) => Request { id, class: ConcurrencyClass::Read, key: None, bytes: 0 },
        };
        Some(Ready { request, name, asked, job })
    }

    /// Does what is next in the batches of which commands were answered, or which are to stop.
    pub(super) fn go_on(self: &Arc<Self>, state: &mut State) {
        while let Some(id) = state.batches.touched.pop() {
            match state.next_step(&id) {
                None | Some(Step::Wait) => continue,
                Some(Step::Begin(at)) => self.begin(state, &id, at),
                Some(Step::Drop(at, why)) => self.leave_out(state, &id, at, why.into()),
                Some(Step::Done) => {
                    self.conclude(state, &id);
                    continue;
                }
            }
            state.batches.touched.push(id);
        }
        state.start_ready();
    }

    fn begin(self: &Arc<Self>, state: &mut State, id: &str, at: usize) {
        let Some(flying) = state.batches.get_mut(id) else { return };
        let (until, is_over) = (flying.until, flying.until <= Instant::now());
        let Some((execution, job)) = flying.begin(at) else { return };
        match job {
            _ if is_over => {
                flying.course.stop(Why::TimeOver);
                self.leave_out(state, id, at, Why::TimeOver.into());
            }
            Err(error) => self.leave_out(state, id, at, error),
            Ok(mut job) => {
                job.until = Some(until);
                state.scheduler.release(execution);
                self.launch(state, execution, job);
            }
        }
    }

    /// Answers a command that does not run.
    fn leave_out(&self, state: &mut State, id: &str, at: usize, error: CommandError) {
        let inner = state.batches.get_mut(id).and_then(|flying| flying.commands.get(at));
        let Some((execution, name)) = inner.map(|inner| (inner.execution, inner.name.clone())) else {
            return;
        };
        let ids = state.scheduler.finish(execution);
        state.starts.remove(&execution);
        state.cancels.ended(execution);
        self.answer(state, ids, &name, Duration::ZERO, Err(error));
    }

    /// All its commands are answered: so is the batch.
    fn conclude(&self, state: &mut State, id: &str) {
        let Some(flying) = state.batches.remove(id) else { return };
        let took = flying.began.elapsed();
        let outcomes: Vec<Outcome> = flying.commands.into_iter().filter_map(|inner| inner.outcome).collect();
        let is_cancelled = outcomes.iter().any(|one| one.error_code == Some(ErrorCode::Cancelled));
        let mut record = record(id, &outcomes, took);
        flying.asked.stamp(&mut record);
        state.scheduler.remember(state.mono(), &record);
        self.note(state, &flying.asked, &record);
        flying.place.send(result(&record, outcomes).into());
        self.answer_cancels(state, id, is_cancelled.then_some(ErrorCode::Cancelled));
    }

    /// The same answers once more, to a batch of as many commands.
    fn replay_batch(
        &self,
        state: &mut State,
        record: &Response,
        commands: usize,
        asked: &Asked,
    ) -> Result<(), CommandError> {
        let outcomes: Vec<Outcome> =
            serde_json::from_value(record.data["outcomes"].clone()).unwrap_or_default();
        let is_one = record.command_type == BATCH && outcomes.len() == commands;
        if !is_one || !self.may_replay(state) {
            return Err(refusal(Refusal::ReplayCache));
        }
        for outcome in &outcomes {
            match state.known(&outcome.id) {
                Some(Rejected::Replay(response)) => self.send(state, *response),
                _ => self.refuse(state, &outcome.id, BATCH, asked, refusal(Refusal::ReplayCache)),
            }
        }
        self.send(state, result(record, outcomes));
        Ok(())
    }
}

/// A command of a batch that is to be taken.
struct Ready {
    request: Request,
    name: String,
    asked: Asked,
    job: Result<Job, CommandError>,
}

/// What is remembered and recorded of a batch that ended.
fn record(id: &str, outcomes: &[Outcome], took: Duration) -> Response {
    let data = json!({ "outcomes": outcomes });
    let failed = outcomes.iter().filter(|outcome| !outcome.success).count();
    let result: CommandResult = if failed == 0 {
        infiniservice_exec::CommandOutcome::of(&data)
    } else {
        let error = format!("{failed} of {} commands failed or did not run", outcomes.len());
        Err(CommandError::new(ErrorCode::ExecutionFailed, error).with_data(data))
    };
    response(id, BATCH, took, result)
}

fn result(record: &Response, outcomes: Vec<Outcome>) -> BatchResult {
    BatchResult {
        id: record.id.clone(),
        success: record.success,
        outcomes,
        outcomes_truncated: None,
        execution_time_ms: record.execution_time_ms,
        trace: record.trace.clone(),
        timestamp: None,
    }
}

fn known_inside(at: usize) -> CommandError {
    let error = format!(
        "the id of `commands[{at}]` is in flight, or was answered already: none of the batch's commands ran"
    );
    CommandError::new(ErrorCode::DuplicateId, error)
        .with_data(json!({ "field": format!("commands[{at}].id") }))
}

fn no_room(why: Refusal) -> CommandError {
    match why {
        Refusal::QueueFull => CommandError::new(
            ErrorCode::QueueFull,
            "there is no room for all commands of the batch, and none of them ran; ask again when others have ended",
        ),
        other => refusal(other),
    }
}
