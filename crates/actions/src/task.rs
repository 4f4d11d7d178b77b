//! One execution from its place in the queue to its answer, as a task of its own.

use super::executor::Shared;
use super::job::{Job, Typed};
use super::registry::Ticket;
use super::{raw, safe};
use infiniservice_exec::{CommandError, CommandResult, Control, bounded};
use infiniservice_protocol::ErrorCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

/// What an action has to end its processes and keep its partial output once its time is over.
const GRACE: Duration = Duration::from_secs(5);
/// Who joins a run before this part of its time is over has had as good as all of it.
const JOINED_EARLY: u32 = 10;

/// Waits for a place at most as long as the command may run, runs it, and answers. So a command is answered after at
/// most twice its timeout and the grace. Where its time is over, it begins anew for those that joined it since it began.
pub(super) async fn run(
    shared: Arc<Shared>,
    ticket: Ticket,
    job: Job,
    mut start: oneshot::Receiver<()>,
    cancel: watch::Receiver<bool>,
) {
    let mut has_place = false;
    loop {
        let since = shared.mono() + job.timeout / JOINED_EARLY;
        let (took, result) = attempt(&shared, &job, (&mut start, &mut has_place), &cancel).await;
        let is_over = result.as_ref().is_err_and(|error| error.code == ErrorCode::Timeout);
        if !(is_over && shared.time_is_over((ticket, since), job.name, took, &result)) {
            return shared.finish(ticket, job.name, took, result);
        }
    }
}

/// Waits for its place, where it has none yet, or else runs.
async fn attempt(
    shared: &Shared,
    job: &Job,
    (start, has_place): (&mut oneshot::Receiver<()>, &mut bool),
    cancel: &watch::Receiver<bool>,
) -> (Duration, CommandResult) {
    if !*has_place {
        match timeout(job.timeout, start).await {
            Ok(Ok(())) => *has_place = true,
            Ok(Err(_)) => return (Duration::ZERO, Err(never_began())),
            Err(_) => return (Duration::ZERO, Err(waited_too_long(job.timeout))),
        }
    }
    // The policy may have changed while it waited.
    match shared.permit(job.name) {
        Ok(()) => execute(shared, job, cancel.clone()).await,
        Err(forbidden) => (Duration::ZERO, Err(forbidden)),
    }
}

async fn execute(shared: &Shared, job: &Job, cancel: watch::Receiver<bool>) -> (Duration, CommandResult) {
    let began = Instant::now();
    let control = Control::new(job.timeout, cancel);
    let (context, inner) = (shared.context.clone(), control.clone());
    let (id, work) = (job.id.clone(), job.work.clone());
    // A task of its own, so that a panic is an answer and not the end of the agent.
    let mut action = tokio::spawn(async move {
        match work {
            Typed::Safe(action) => safe::run(&id, action, &context, &inner).await,
            Typed::Unsafe(command) => raw::run(command, &context, &inner).await,
        }
    });
    let result = match control.backstop(GRACE, &mut action).await {
        Ok(Ok(result)) => result,
        Ok(Err(fault)) => Err(CommandError::new(ErrorCode::Internal, format!("the agent failed: {fault}"))),
        Err(stop) => {
            action.abort();
            Err(stop.into())
        }
    };
    (began.elapsed(), bounded(result, shared.context.max_output_bytes))
}

fn never_began() -> CommandError {
    CommandError::new(ErrorCode::Cancelled, "the agent is shutting down; the command was not started")
}

fn waited_too_long(timeout: Duration) -> CommandError {
    let error = format!("waited {} s for other commands to end and was not started", timeout.as_secs());
    CommandError::new(ErrorCode::Timeout, error)
}
