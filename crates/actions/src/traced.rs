//! The place of a command in its host's trace, from its line to its answer.

use infiniservice_exec::Steps;
use infiniservice_protocol::timestamp::rfc3339_millis;
use infiniservice_protocol::trace::{Trace, TraceContext};
use std::sync::Arc;
use std::time::SystemTime;

/// A context, and what is measured for it.
#[derive(Clone, Debug)]
pub struct Tracing {
    context: TraceContext,
    received: SystemTime,
    steps: Arc<Steps>,
}

impl Tracing {
    /// Of a request that was read now, which is `received` by the guest's clock.
    pub fn new(context: TraceContext, received: SystemTime) -> Self {
        Self { context, received, steps: Arc::default() }
    }

    /// The same place in the same trace, measured for another command.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::new(self.context.clone(), self.received)
    }

    /// The context.
    pub fn context(&self) -> &TraceContext {
        &self.context
    }

    /// What is measured.
    pub fn steps(&self) -> &Arc<Steps> {
        &self.steps
    }

    /// What an answer that is made now says of it.
    pub fn told(&self) -> Trace {
        let (steps, left_out) = self.steps.told();
        Trace {
            traceparent: self.context.traceparent().to_owned(),
            tracestate: self.context.tracestate().map(str::to_owned),
            received_offset_ms: 0,
            started: rfc3339_millis(self.received),
            ended: rfc3339_millis(self.received + self.steps.since_began()),
            steps,
            steps_left_out: (left_out > 0).then_some(left_out),
        }
    }
}
