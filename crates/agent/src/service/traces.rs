//! Requests that the host traces: what is measured for those that are not commands.

use super::agent::Agent;
use super::sources::Collected;
use infiniservice_actions::Tracing;
use infiniservice_channel::transport::Transport;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::host::Traced;
use infiniservice_protocol::number::millis;
use infiniservice_protocol::trace::{Step, StepName, Trace};
use std::collections::HashMap;

/// Requests for metrics that are remembered; no more of them wait.
const MAX_WAITING: usize = 64;

/// Traced requests for metrics that were not answered so far, by their ids.
#[derive(Debug, Default)]
pub(super) struct Traces(HashMap<String, Tracing>);

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Delivers a message with its place in a trace.
    pub(super) fn deliver_traced(&mut self, traced: Traced) {
        let Traced { context, message } = traced;
        let Some(context) = context.filter(|_| self.profile.is_none()) else {
            log::debug!(
                "the host's traceparent is malformed, or not looked at with this wire_profile: ignored"
            );
            return self.deliver(*message);
        };
        let now = self.clock.now();
        match *message {
            HostMessage::Metrics { id: Some(id) } => {
                self.traces.remember(&id, Tracing::new(context, now.wall));
                self.want_metrics(Some(id));
            }
            HostMessage::Subscribe(request) => {
                self.subscribe(&request, Some(Tracing::new(context, now.wall)));
            }
            HostMessage::Batch(batch) => self.take_batch(batch, Some(context)),
            message @ (HostMessage::SafeCommand(_) | HostMessage::UnsafeCommand(_)) => {
                let (context, message) = (Some(context), Box::new(message));
                self.executor.submit(now, HostMessage::Traced(Traced { context, message }));
            }
            // Metrics without an id: nothing says whose they are.
            other => self.deliver(other),
        }
    }
}

impl Traces {
    fn remember(&mut self, id: &str, tracing: Tracing) {
        if self.0.len() < MAX_WAITING {
            self.0.insert(id.to_owned(), tracing);
        }
    }

    /// The request of this id will not be answered by metrics.
    pub(super) fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// What the metrics that answer this request say of the time that they took.
    pub(super) fn of(&mut self, id: Option<&str>, collected: &Collected) -> Option<Box<Trace>> {
        let tracing = self.0.remove(id?)?;
        let ended = millis(tracing.steps().since_began());
        let began = ended.saturating_sub(collected.collection.duration_ms);
        let step = |name, start_ms, end_ms| Step { name, start_ms, end_ms };
        let steps = vec![step(StepName::Queue, 0, began), step(StepName::Read, began, ended)];
        Some(Box::new(Trace { steps, ..tracing.told() }))
    }
}
