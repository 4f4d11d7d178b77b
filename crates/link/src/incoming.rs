//! What the host says: heartbeats and refusals are dealt with here, the rest is delivered.

use super::Link;
use super::event::{Action, GivenUp};
use super::gate::Refusal;
use super::keep_alive::Answer;
use crate::clock::Now;
use infiniservice_protocol::{ErrorCode, GuestMessage, HostMessage, Rejection};
use log::Level;
use std::time::Duration;

impl Link {
    pub(super) fn read(&mut self, now: Now, bytes: &[u8], actions: &mut Vec<Action>) {
        self.stats.bytes_in += bytes.len() as u64;
        self.decoder.push(bytes);
        while let Some(item) = self.decoder.next() {
            match self.gate.admit(now, &item, self.settings.limits.max_line_bytes) {
                Ok(message) => self.message(now, message, actions),
                Err(Refusal::Line(rejection)) => self.rejected(now, rejection, actions),
                Err(Refusal::Unsigned { rejection, answer, count }) => {
                    self.tell_audit(now, &rejection, actions);
                    self.unsigned(rejection, answer, count, actions);
                }
            }
        }
    }

    fn message(&mut self, now: Now, message: HostMessage, actions: &mut Vec<Action>) {
        self.stats.messages_in += 1;
        if let HostMessage::KeepAliveResponse { sequence_number } = message {
            return self.answered(now, sequence_number, actions);
        }
        self.heard();
        match message {
            HostMessage::KeepAliveRequest { sequence_number } => self.outbox.pong(sequence_number),
            HostMessage::SafeCommand(command) if !self.outbox.reserve() => {
                self.no_room(now, command.id, command.action, actions);
            }
            HostMessage::UnsafeCommand(command) if !self.outbox.reserve() => {
                self.no_room(now, command.id, "UnsafeCommand".to_owned(), actions);
            }
            other => actions.push(Action::Deliver(other)),
        }
    }

    /// The host spoke of its own accord: it lives, so failures are no longer in a row. A round trip it is not.
    fn heard(&mut self) {
        self.breaker.heard();
        if self.breaker.failures() == 0 {
            self.session.healthy();
        }
    }

    fn answered(&mut self, now: Now, sequence_number: u64, actions: &mut Vec<Action>) {
        match self.keep_alive.answer(now.mono, sequence_number) {
            Answer::InTime(rtt) => self.proven(now, rtt, actions),
            Answer::Late => self.stats.heartbeats_late += 1,
            Answer::Unknown => self.stats.heartbeats_unknown += 1,
        }
    }

    /// A whole round trip: the connection is in order.
    fn proven(&mut self, now: Now, rtt: Duration, actions: &mut Vec<Action>) {
        self.stats.heartbeats_answered += 1;
        self.stats.last_rtt = Some(rtt);
        self.window.answered(rtt);
        self.session.healthy();
        let change = self.breaker.answered();
        self.breaker_changed(change, actions);
        if let Some(text) = self.trouble.ends(now.mono) {
            actions.push(Action::Log(Level::Info, text));
        }
    }

    /// The outbox could not hold the answer, so the command is not accepted.
    fn no_room(&mut self, now: Now, id: String, command_type: String, actions: &mut Vec<Action>) {
        self.stats.commands_refused += 1;
        let text =
            "the answers that wait for the host have filled outbox_max_bytes; read them, then ask again";
        let (id, command_type) = (Some(id), Some(command_type));
        let rejection = Rejection { id, command_type, ..Rejection::new(ErrorCode::QueueFull, text) };
        self.tell_audit(now, &rejection, actions);
        self.refuse(rejection.into_message());
    }

    /// Metrics never pile up, and a collection may last longer than the agent, but whoever asked gets an answer.
    pub(super) fn metrics_given_up(&mut self, id: String, why: GivenUp) {
        let (code, text) = match why {
            GivenUp::CrowdedOut => (
                ErrorCode::QueueFull,
                "too many requests for metrics wait, the newest of them are served; ask again",
            ),
            GivenUp::Stopping => {
                (ErrorCode::Cancelled, "the agent is shutting down and collects no more metrics")
            }
        };
        let (id, command_type) = (Some(id), Some("Metrics".to_owned()));
        let rejection = Rejection { id, command_type, ..Rejection::new(code, text) };
        self.refuse(rejection.into_message());
    }

    fn tell_audit(&mut self, now: Now, rejection: &Rejection, actions: &mut Vec<Action>) {
        if self.refused.take(now.mono) {
            actions.push(Action::Refused(rejection.clone()));
        }
    }

    fn rejected(&mut self, now: Now, rejection: Rejection, actions: &mut Vec<Action>) {
        self.stats.rejected_lines += 1;
        self.tell_audit(now, &rejection, actions);
        if !std::mem::replace(&mut self.refusal_logged, true) {
            let text =
                format!("the host sent a line that was refused ({rejection}); further ones go to the audit");
            actions.push(Action::Log(Level::Warn, text));
        }
        let belongs_to_nothing = rejection.id.is_none();
        if belongs_to_nothing && !self.errors.take(now.mono) {
            self.stats.refusals_dropped += 1;
            return;
        }
        self.refuse(rejection.into_message());
    }

    /// Not the host, or not with our secret: said and answered at most once a minute.
    fn unsigned(&mut self, rejection: Rejection, answer: bool, count: u64, actions: &mut Vec<Action>) {
        self.stats.unsigned_lines = count;
        if !answer {
            return;
        }
        let text = format!("a line was refused by its signature, {count} so far ({rejection})");
        actions.push(Action::Log(Level::Warn, text));
        self.refuse(rejection.into_message());
    }

    pub(super) fn refuse(&mut self, message: GuestMessage) {
        self.stats.refusals_dropped += u64::from(!self.outbox.refuse(message));
    }
}
