//! Batches in the loop: taken, refused, and what comes of them.

use super::agent::Agent;
use super::hello::NOT_OFFERED;
use infiniservice_actions::Reply;
use infiniservice_channel::transport::Transport;
use infiniservice_exec::CommandError;
use infiniservice_link::Event;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::batch::MAX_COMMANDS;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::hello::BatchLimits;
use infiniservice_protocol::host::Batch;
use infiniservice_protocol::trace::TraceContext;

impl<T: Transport, C: Clock> Agent<T, C> {
    /// What `hello` says of batches; `None` where they are not offered: to a host that does not know them, or where no command may wait.
    pub(super) fn batch_limits(&self) -> Option<BatchLimits> {
        let max_commands = MAX_COMMANDS.min(self.config.settings.limits().max_queued_commands);
        (self.profile.is_none() && max_commands > 0).then_some(BatchLimits { max_commands })
    }

    /// Takes a batch. Of one that is refused the link keeps no more room than for the one answer.
    pub(super) fn take_batch(&mut self, batch: Batch, context: Option<TraceContext>) {
        let now = self.clock.now();
        let spared = if self.profile.is_none() {
            self.executor.submit_batch(now, batch, context)
        } else {
            let error = CommandError::new(ErrorCode::Unsupported, format!("batches are {NOT_OFFERED}"));
            self.executor.refuse_batch(now, &batch, error)
        };
        self.tell(Event::Spared(spared));
    }

    /// Hands an answer of the executor's on.
    pub(super) fn reply(&mut self, reply: Reply) {
        match reply {
            Reply::Response(response) => self.answer(response),
            Reply::Batch(result) => self.send(GuestMessage::BatchResult(result)),
        }
    }
}
