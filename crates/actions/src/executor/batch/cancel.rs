//! The end of a batch, or of one of its commands, before its time.

use super::course::Why;
use super::{ExecutionId, Shared, State};
use std::sync::Arc;

/// What a batch that is to end comes to.
pub(in crate::executor) enum Ended {
    /// It is over, and answered.
    AtOnce,
    /// It will be.
    Later,
    /// Nothing of it can be ended any more.
    Never,
}

impl Shared {
    /// Ends what can be ended of a batch.
    pub(in crate::executor) fn end_batch(self: &Arc<Self>, state: &mut State, id: &str) -> Ended {
        let Some(flying) = state.batches.get_mut(id) else { return Ended::AtOnce };
        flying.course.stop(Why::Withdrawn);
        let answered = flying.answered();
        state.batches.touched.push(id.to_owned());
        self.go_on(state);
        let Some(flying) = state.batches.get_mut(id) else { return Ended::AtOnce };
        let some_left_out = flying.answered() > answered;
        let running: Vec<ExecutionId> = flying.running();
        let ended = running.into_iter().filter(|execution| state.cancels.withdraw(*execution)).count();
        if some_left_out || ended > 0 { Ended::Later } else { Ended::Never }
    }

    /// Ends a command of a batch whose turn has not come; `false` where it is none.
    pub(in crate::executor) fn end_held(self: &Arc<Self>, state: &mut State, command: &str) -> bool {
        let Some((id, at)) = state.batches.place_of(command) else { return false };
        let held = state.batches.get_mut(&id).is_some_and(|flying| flying.course.is_held(at));
        if held {
            self.leave_out(state, &id, at, Why::Withdrawn.into());
            self.go_on(state);
        }
        held
    }

    /// The agent shuts down: what has not begun never does.
    pub(in crate::executor) fn close_batches(self: &Arc<Self>, state: &mut State) {
        for id in state.batches.ids() {
            if let Some(flying) = state.batches.get_mut(&id) {
                flying.course.stop(Why::Closing);
                state.batches.touched.push(id);
            }
        }
        self.go_on(state);
    }
}
