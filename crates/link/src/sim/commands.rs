//! What the model agent does for commands, batches and streams.

use super::super::Event;
use super::super::outbox::LARGE_BYTES;
use super::checker::Found;
use super::executor::{BatchVerdict, Verdict};
use super::queue::Happening;
use super::world::{Streaming, World};
use infiniservice_protocol::guest::{Output, OutputStream};
use infiniservice_protocol::host::{Batch, BatchCommand, SafeCommand, Unsubscribe};
use infiniservice_protocol::stream::{MAX_SUBSCRIPTIONS, Stream};
use infiniservice_protocol::{GuestMessage, HostMessage};
use std::time::Duration;

/// Between two samples, and between two pieces of output.
const INTERVAL: Duration = Duration::from_millis(250);
/// Samples of one lease.
const LEASE: u64 = 120;
/// Longest piece of output.
const MAX_PIECE: usize = 16 * 1024;

/// The id of what has a response.
pub(super) fn id_of(message: &HostMessage) -> Option<&str> {
    match message {
        HostMessage::SafeCommand(command) => Some(&command.id),
        HostMessage::Batch(batch) => Some(&batch.id),
        HostMessage::Cancel { id, .. } => Some(id),
        HostMessage::Subscribe(request) => Some(&request.id),
        HostMessage::Unsubscribe(request) => Some(&request.id),
        _ => None,
    }
}

/// The number of an answer of the model executor's.
fn tag(message: &GuestMessage) -> u64 {
    match message {
        GuestMessage::Response(response) => response.execution_time_ms,
        GuestMessage::BatchResult(result) => result.execution_time_ms,
        _ => 0,
    }
}

/// Whether it may be an answer for the bulk port; what is cut is not.
fn may_be_large(message: &GuestMessage) -> bool {
    matches!(message, GuestMessage::Response(response) if response.stdout.len() + 1024 > LARGE_BYTES)
}

impl World {
    pub(super) fn command(&mut self, command: SafeCommand) -> Found {
        match self.executor.submit(self.now, &command.id, &mut self.rng) {
            Verdict::Runs(time) => {
                self.checker.begins(&command.id);
                if command.progress {
                    self.later(INTERVAL.min(time / 2), Happening::Piece(command.id.clone(), 1));
                }
                self.later(time, Happening::Done(command.id));
                Ok(())
            }
            Verdict::Answer(answer) => self.answer(*answer),
        }
    }

    pub(super) fn batch(&mut self, batch: &Batch) -> Found {
        let commands: Vec<String> =
            batch.commands.iter().map(|one| BatchCommand::id(one).to_owned()).collect();
        let count = commands.len();
        match self.executor.submit_batch(self.now, &batch.id, commands, &mut self.rng) {
            BatchVerdict::Runs(times) => {
                for (id, time) in times {
                    self.later(time, Happening::Done(id));
                }
                Ok(())
            }
            BatchVerdict::Answers(answers) => self.answer_all(answers),
            BatchVerdict::Refused(answer) => {
                self.drive(Event::Spared(count))?;
                self.answer(*answer)
            }
        }
    }

    pub(super) fn answer_all(&mut self, answers: Vec<GuestMessage>) -> Found {
        answers.into_iter().try_for_each(|answer| self.answer(answer))
    }

    fn answer(&mut self, answer: GuestMessage) -> Found {
        self.checker.expect(tag(&answer), may_be_large(&answer));
        self.send(answer)
    }

    /// A command that is followed writes something, now and then much.
    pub(super) fn piece(&mut self, id: String, seq: u64) -> Found {
        if !self.executor.runs(&id) {
            return Ok(());
        }
        self.later(INTERVAL, Happening::Piece(id.clone(), seq + 1));
        let longest = if self.rng.u8(..8) == 0 { MAX_PIECE } else { 80 };
        let text = "x".repeat(self.rng.usize(1..=longest));
        let stream = OutputStream::Stdout;
        self.send(GuestMessage::Output(Output { id, stream, seq, text, timestamp: None }))
    }

    pub(super) fn subscribe(&mut self, id: &str) -> Found {
        let answer = self.executor.answer_now(self.now, id);
        self.answer(answer)?;
        if self.streams.len() < MAX_SUBSCRIPTIONS {
            self.last_stream += 1;
            self.streams.push(Streaming { subscription: self.last_stream, seq: 0 });
            self.later(Duration::ZERO, Happening::Sample(self.last_stream));
        }
        Ok(())
    }

    /// The host says which of those that there are, by its place among them.
    pub(super) fn unsubscribe(&mut self, request: &Unsubscribe) -> Found {
        let answer = self.executor.answer_now(self.now, &request.id);
        self.answer(answer)?;
        let place = usize::try_from(request.subscription).unwrap_or_default();
        if place < self.streams.len() {
            self.streams.remove(place);
        }
        Ok(())
    }

    pub(super) fn sample_is_due(&mut self, subscription: u64) -> Found {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.subscription == subscription) else {
            return Ok(());
        };
        stream.seq += 1;
        let seq = stream.seq;
        if seq < LEASE {
            self.later(INTERVAL, Happening::Sample(subscription));
        } else {
            self.streams.retain(|stream| stream.subscription != subscription);
        }
        self.send(GuestMessage::Stream(Stream { subscription, seq, ..Stream::default() }))
    }
}
