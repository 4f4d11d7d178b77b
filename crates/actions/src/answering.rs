//! Answers on their way to the main loop: each is noted, and none of an accepted command is lost.

use super::audit::Asked;
use super::executor::{REFUSALS_MAX, Rejected, Shared, State, Waiter};
use crate::policy::refusal;
use crate::reply::Reply;
use crate::scheduler::Refusal;
use crate::task::response;
use infiniservice_exec::{CommandError, CommandResult};
use infiniservice_protocol::Response;
use std::time::Duration;
use tokio::sync::mpsc;

/// Replayed answers that may wait, each of which may be megabytes long.
const REPLAYS_MAX: usize = 8;

impl Shared {
    /// Answers these ids, whose commands all had the same result.
    pub(super) fn answer(
        &self,
        state: &mut State,
        ids: Vec<String>,
        name: &str,
        took: Duration,
        result: CommandResult,
    ) {
        let now = state.mono();
        let results = std::iter::repeat_n(result, ids.len());
        for (id, result) in ids.into_iter().zip(results) {
            let mut response = response(&id, name, took, result);
            let waiter = state.waiters.remove(&id);
            if let Some(Waiter { asked, .. }) = &waiter {
                asked.stamp(&mut response);
            }
            state.scheduler.remember(now, &response);
            if let Some(Waiter { place, asked }) = waiter {
                self.note(state, &asked, &response);
                let code = response.error_code;
                state.batches.answered(&response);
                place.send(response.into());
                self.answer_cancels(state, &id, code);
            }
        }
    }

    /// Answers what never takes a place, and keeps the answer.
    pub(super) fn answer_now(
        &self,
        state: &mut State,
        (id, name): (&str, &str),
        asked: &Asked,
        result: CommandResult,
    ) {
        let response = self.noted(state, (id, name), asked, result);
        state.scheduler.remember(state.mono(), &response);
        self.send(state, response);
    }

    /// The response to what did not run, in the audit already.
    pub(super) fn noted(
        &self,
        state: &mut State,
        (id, name): (&str, &str),
        asked: &Asked,
        result: CommandResult,
    ) -> Response {
        let mut response = response(id, name, Duration::ZERO, result);
        asked.stamp(&mut response);
        self.note(state, asked, &response);
        response
    }

    /// Answers what is not taken: with the answer that it had before, or with why.
    pub(super) fn reject(&self, state: &mut State, (id, name): (&str, &str), asked: &Asked, why: Rejected) {
        match why {
            Rejected::Error(error) => self.refuse(state, id, name, asked, error),
            Rejected::Replay(response) => self.replay(state, *response, asked),
        }
    }

    pub(super) fn refuse(
        &self,
        state: &mut State,
        id: &str,
        action: &str,
        asked: &Asked,
        error: CommandError,
    ) {
        let response = self.noted(state, (id, action), asked, Err(error));
        self.send(state, response);
    }

    /// A place in the channel of answers.
    pub(super) fn reserve(&self) -> Result<mpsc::OwnedPermit<Reply>, CommandError> {
        self.replies.clone().try_reserve_owned().map_err(|_full| refusal(Refusal::QueueFull))
    }

    pub(super) fn replay(&self, state: &mut State, answer: Response, asked: &Asked) {
        if self.may_replay(state) {
            log::debug!("command id {:?} was answered before: repeating the answer", answer.id);
            return self.send(state, answer);
        }
        let error = refusal(Refusal::ReplayCache);
        self.refuse(state, &answer.id, &answer.command_type, asked, error);
    }

    /// Whether not too many answers wait for the main loop beside those of accepted commands.
    pub(super) fn may_replay(&self, state: &State) -> bool {
        let taken = self.replies.max_capacity() - self.replies.capacity();
        taken.saturating_sub(state.places_kept()) < REPLAYS_MAX
    }

    pub(super) fn note(&self, state: &mut State, asked: &Asked, response: &Response) {
        state.summary.count(response);
        self.audit.record(&asked.answered(response));
    }

    pub(super) fn send(&self, state: &mut State, reply: impl Into<Reply>) {
        if self.replies.try_send(reply.into()).is_err() {
            state.summary.dropped += 1;
            log::debug!("an answer was dropped: {REFUSALS_MAX} others wait for the main loop");
        }
    }
}
