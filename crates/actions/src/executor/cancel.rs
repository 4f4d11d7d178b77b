//! `Cancel`: the host wants no more of a command.

use super::batch::Ended;
use super::{Executor, Shared, State};
use crate::audit::Asked;
use crate::reply::Reply;
use crate::scheduler::ExecutionId;
use infiniservice_exec::{CommandError, CommandOutcome, CommandResult, Stop, Withdrawal};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::batch::BATCH;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The name of the request, in its answer and in the audit.
pub(crate) const CANCEL: &str = "Cancel";

/// What can be ended, and who waits for such an end.
#[derive(Default)]
pub(crate) struct Cancels {
    /// The handle and the action's name of each execution in flight.
    handles: HashMap<ExecutionId, (Arc<Withdrawal>, &'static str)>,
    waiting: Vec<Canceller>,
}

/// A `Cancel` that is answered after its target.
struct Canceller {
    target: String,
    id: String,
    place: mpsc::OwnedPermit<Reply>,
    asked: Asked,
}

/// What becomes of a `Cancel`.
enum Fate {
    /// It is answered with this.
    Now(CommandResult),
    /// It is answered once its target is.
    Later,
}

impl Cancels {
    /// An execution was let in.
    pub(crate) fn begins(&mut self, execution: ExecutionId, handle: Arc<Withdrawal>, name: &'static str) {
        self.handles.insert(execution, (handle, name));
    }

    /// It ended.
    pub(crate) fn ended(&mut self, execution: ExecutionId) {
        self.handles.remove(&execution);
    }

    /// The host wants no more of an execution; `false` where it is too late.
    pub(crate) fn withdraw(&self, execution: ExecutionId) -> bool {
        self.handles.get(&execution).is_some_and(|(handle, _)| handle.withdraw())
    }

    /// Whether a request of this id waits for an end.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.waiting.iter().any(|one| one.id == id)
    }

    /// How many wait for an end.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those who wait for the answer to `target`.
    fn take(&mut self, target: &str) -> Vec<Canceller> {
        let (mine, others) =
            std::mem::take(&mut self.waiting).into_iter().partition(|one| one.target == target);
        self.waiting = others;
        mine
    }
}

impl Executor {
    /// Ends the command `target`, or answers why it does not. The answer to one that ends comes after that of its target, which has
    /// what was captured until then.
    pub fn cancel_one(&self, now: Now, id: &str, target: &str) {
        let mut state = self.shared.lock();
        state.note_time(now);
        let asked = Asked::new(CANCEL, &json!({ "target": target }).to_string());
        match state.known(id) {
            None => self.shared.cancel(&mut state, id, target, asked),
            Some(why) => self.shared.reject(&mut state, (id, CANCEL), &asked, why),
        }
    }
}

impl Shared {
    fn cancel(self: &Arc<Self>, state: &mut State, id: &str, target: &str, asked: Asked) {
        let place = match self.reserve() {
            Ok(place) => place,
            Err(error) => return self.refuse(state, id, CANCEL, &asked, error),
        };
        match self.fate(state, target) {
            // Its place is free again, so it is sure to find one.
            Fate::Now(result) => {
                drop(place);
                self.answer_now(state, (id, CANCEL), &asked, result);
            }
            Fate::Later => {
                let (target, id) = (target.to_owned(), id.to_owned());
                state.cancels.waiting.push(Canceller { target, id, place, asked });
            }
        }
    }

    fn fate(self: &Arc<Self>, state: &mut State, target: &str) -> Fate {
        if state.cancels.has(target) {
            return Fate::Now(Err(not_found(target)));
        }
        if state.batches.has(target) {
            return match self.end_batch(state, target) {
                Ended::AtOnce => Fate::Now(told(target, "cancelled")),
                Ended::Later => Fate::Later,
                Ended::Never => Fate::Now(Err(not_cancellable(target, BATCH))),
            };
        }
        if self.end_held(state, target) {
            return Fate::Now(told(target, "cancelled"));
        }
        let Some((execution, is_shared)) = state.scheduler.execution_of(target) else {
            return Fate::Now(match state.known(target) {
                Some(_) => told(target, "already_answered"),
                None => Err(not_found(target)),
            });
        };
        let Some((handle, name)) = state.cancels.handles.get(&execution).cloned() else {
            return Fate::Now(Err(not_found(target)));
        };
        if is_shared {
            // Others wait for the same: only this one's wait is over.
            state.scheduler.leave(execution, target);
            self.answer(state, vec![target.to_owned()], name, Duration::ZERO, Err(Stop::Withdrawn.into()));
            return Fate::Now(told(target, "cancelled"));
        }
        if !handle.withdraw() {
            return Fate::Now(Err(not_cancellable(target, name)));
        }
        state.scheduler.unshare(execution);
        Fate::Later
    }

    /// A command was answered: so are those who wanted its end.
    pub(crate) fn answer_cancels(&self, state: &mut State, target: &str, code: Option<ErrorCode>) {
        let cancelled = code == Some(ErrorCode::Cancelled);
        let outcome = if cancelled { "cancelled" } else { "already_answered" };
        for Canceller { id, place, asked, .. } in state.cancels.take(target) {
            let answer = self.noted(state, (&id, CANCEL), &asked, told(target, outcome));
            state.scheduler.remember(state.mono(), &answer);
            place.send(answer.into());
        }
    }
}

fn told(target: &str, outcome: &str) -> CommandResult {
    CommandOutcome::of(&json!({ "target": target, "outcome": outcome }))
}

fn not_found(target: &str) -> CommandError {
    let error = "no command with the id in `target` is in flight, and none was answered recently";
    let data = json!({ "target": target, "outcome": "not_found" });
    CommandError::new(ErrorCode::NotFound, error).with_data(data)
}

fn not_cancellable(target: &str, name: &str) -> CommandError {
    let error = format!("{name} has begun its change, which is not interrupted; it continues");
    let data = json!({ "target": target, "outcome": "not_cancellable" });
    CommandError::new(ErrorCode::Busy, error).with_data(data)
}
