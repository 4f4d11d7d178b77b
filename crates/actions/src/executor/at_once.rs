//! What is answered without running: a command that the link has no room for, and what the agent's loop itself knows the answer
//! to. Each id has one answer here, too, and its repetition gets the same.

use super::cancel::CANCEL;
use super::{Executor, Rejected};
use crate::audit::Asked;
use crate::policy::refusal;
use crate::scheduler::Refusal;
use crate::task::Unvalidated;
use crate::traced::Tracing;
use infiniservice_exec::{CommandError, CommandResult};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::batch::BATCH;
use infiniservice_protocol::host::Traced;
use infiniservice_protocol::trace::TraceContext;
use infiniservice_protocol::{ErrorCode, HostMessage, Response};

/// Why a command is not taken.
const OUTBOX_FULL: &str = "the answers waiting for the host fill outbox_max_bytes; read them, then ask again";

impl Executor {
    /// Answers a request of this id and name with what `work` says, unless the id is in flight or was answered before.
    pub fn answer_at_once(
        &self,
        now: Now,
        (id, name, parameters): (&str, &str, &str),
        tracing: Option<Tracing>,
        work: impl FnOnce() -> CommandResult,
    ) {
        let mut state = self.shared.lock();
        state.note_time(now);
        let asked = Asked::new(name, parameters).traced(tracing);
        match state.known(id) {
            None => self.shared.answer_now(&mut state, (id, name), &asked, work()),
            Some(why) => self.shared.reject(&mut state, (id, name), &asked, why),
        }
    }

    /// The answer to a command for which the link has no room: `DUPLICATE_ID` where its id is known, else `QUEUE_FULL`. It
    /// does not run.
    pub fn turn_away(&self, now: Now, message: HostMessage) -> Option<Response> {
        let mut state = self.shared.lock();
        state.note_time(now);
        let (context, message) = untraced(message);
        let (id, name, parameters) = named(message)?;
        let tracing = context.map(|context| Tracing::new(context, now.wall));
        let asked = Asked::new(&name, &parameters).traced(tracing);
        let error = match state.known(&id) {
            Some(Rejected::Error(error)) => error,
            Some(Rejected::Replay(_)) => refusal(Refusal::ReplayCache),
            None => CommandError::new(ErrorCode::QueueFull, OUTBOX_FULL),
        };
        Some(self.shared.noted(&mut state, (&id, &name), &asked, Err(error)))
    }
}

/// The id, the name and the parameters of what has a response.
fn named(message: HostMessage) -> Option<(String, String, String)> {
    let unread = |id, name: &str| Some((id, name.to_owned(), "{}".to_owned()));
    match message {
        HostMessage::Cancel { id, .. } => unread(id, CANCEL),
        HostMessage::Batch(batch) => unread(batch.id, BATCH),
        HostMessage::Subscribe(request) => unread(request.id, "Subscribe"),
        HostMessage::Unsubscribe(request) => unread(request.id, "Unsubscribe"),
        other => parts(other).map(|(id, action, _, work)| (id, action, work.parameters(true))),
    }
}

/// A message, and its place in a trace.
pub(crate) fn untraced(message: HostMessage) -> (Option<TraceContext>, HostMessage) {
    match message {
        HostMessage::Traced(Traced { context, message }) => (context, *message),
        other => (None, other),
    }
}

/// A command's id, its action, the time that it asks for, and itself.
pub(crate) fn parts(message: HostMessage) -> Option<(String, String, Option<u64>, Unvalidated)> {
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
