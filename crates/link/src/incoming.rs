//! What the host says: heartbeats and refusals are dealt with here, the rest is delivered.

use super::Link;
use super::askers::{Asker, NotTaken};
use super::auth::{Admitted, Refusal};
use super::event::{Action, GivenUp};
use super::keep_alive::Answer;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::{ErrorCode, GuestMessage, HostMessage, Rejection};
use log::Level;
use std::time::Duration;

impl Link {
    pub(super) fn read(&mut self, now: Now, bytes: &[u8], actions: &mut Vec<Action>) {
        self.stats.bytes_in += bytes.len() as u64;
        self.decoder.push(bytes);
        while let Some(item) = self.decoder.next() {
            self.end_compression_at_blank_line();
            if self.dialect.is_some() && self.is_dealt_with(now, &item, actions) {
                continue;
            }
            match self.auth.admit(now, &item, self.settings.limits.max_line_bytes) {
                Ok(admitted) => {
                    actions.extend(self.auth.newest().map(Action::NewestSigned));
                    self.admitted(now, admitted, actions);
                }
                Err(Refusal::Foreign(line)) => self.foreign(now, line.0, line.1, actions),
                Err(Refusal::Line(rejection, _)) if rejection.from_guest => self.echoed(actions),
                Err(Refusal::Unsigned { rejection, .. }) if rejection.from_guest => self.echoed(actions),
                Err(Refusal::Line(rejection, asker)) => {
                    // Its envelope was in order, and is not to be taken again.
                    actions.extend(self.auth.newest().map(Action::NewestSigned));
                    self.rejected(now, rejection, asker.as_deref(), actions);
                }
                Err(Refusal::Unsigned { rejection, answer, log }) => {
                    self.tell_audit(now, &rejection, actions);
                    self.unsigned(now, rejection, answer, log, actions);
                }
            }
        }
        self.end_compression_at_blank_line();
    }

    /// A host begins with one. Where the device did not tell that it came, it must not get what another one asked for.
    fn end_compression_at_blank_line(&mut self) {
        if self.decoder.take_blank() {
            self.writer.compression.end();
        }
    }

    /// Takes note of who asks, where answers are sealed.
    fn admitted(&mut self, now: Now, admitted: Admitted, actions: &mut Vec<Action>) {
        let Admitted { message, asker } = admitted;
        let noted = self.outbox.note(now.mono, &message, asker.as_ref());
        let sealed = asker.is_some();
        let Err(why) = noted else { return self.message(now, message, sealed, actions) };
        let (code, text) = match why {
            NotTaken::OfAnother => (
                ErrorCode::DuplicateId,
                "another controller, or a line in the open, used this id; choose another one",
            ),
            NotTaken::Full => {
                (ErrorCode::QueueFull, "too many sealed commands in a short time; try again later")
            }
        };
        let id = message.id().map(str::to_owned);
        self.stats.commands_refused += 1;
        let rejection = Rejection { id, ..Rejection::new(code, text) };
        self.tell_audit(now, &rejection, actions);
        self.refuse_to(rejection.into_message(), asker.as_ref());
    }

    fn message(&mut self, now: Now, message: HostMessage, sealed: bool, actions: &mut Vec<Action>) {
        self.stats.messages_in += 1;
        if let HostMessage::KeepAliveResponse { sequence_number } = message {
            return self.answered(now, sequence_number, actions);
        }
        self.heard();
        let owed = message.answers_owed();
        match message.untraced() {
            HostMessage::KeepAliveRequest { sequence_number } => self.outbox.pong(*sequence_number),
            // Who seals is not who reads the port, and sealed lines are never compressed.
            HostMessage::ZReset if sealed => {}
            HostMessage::ZReset => self.writer.compression.reset(),
            HostMessage::Hello { accept, .. } => {
                if !sealed {
                    let offered = self.settings.compression && self.dialect.is_none();
                    self.writer.compression.accept(if offered { accept } else { &[] });
                }
                actions.push(Action::Deliver(message));
            }
            _ if owed > 0 && !self.outbox.reserve(owed) => {
                self.stats.commands_refused += 1;
                actions.push(Action::NoRoom(message));
            }
            HostMessage::Metrics { id: Some(id) } if !self.outbox.owe_metrics(id) => {
                self.metrics_given_up(id.clone(), GivenUp::CrowdedOut);
            }
            _ => actions.push(Action::Deliver(message)),
        }
    }

    /// The host spoke of its own accord: it lives, so failures are no longer in a row. A round trip it is not.
    pub(super) fn heard(&mut self) {
        self.silence.ended();
        self.breaker.heard();
        if self.breaker.failures() == 0 {
            self.connection.healthy();
        }
    }

    fn answered(&mut self, now: Now, sequence_number: u64, actions: &mut Vec<Action>) {
        match self.keep_alive.answer(now.mono, sequence_number) {
            Answer::InTime(rtt) => {
                self.silence.ended();
                self.proven(now, rtt, actions);
            }
            Answer::Late => self.stats.heartbeats_late += 1,
            Answer::Unknown => self.stats.heartbeats_unknown += 1,
        }
    }

    /// A whole round trip: the connection is in order.
    fn proven(&mut self, now: Now, rtt: Duration, actions: &mut Vec<Action>) {
        self.stats.heartbeats_answered += 1;
        self.stats.last_rtt = Some(rtt);
        self.window.answered(rtt);
        self.connection.healthy();
        let change = self.breaker.answered();
        self.breaker_changed(change, actions);
        if let Some(text) = self.fault_log.ends(now.mono) {
            actions.push(Action::Log(Level::Info, text));
        }
    }

    /// Metrics never pile up, and a collection may last longer than the agent, but whoever asked gets an answer.
    pub(super) fn metrics_given_up(&mut self, id: String, why: GivenUp) {
        self.outbox.metrics_settled(&id);
        let (code, text) = match why {
            GivenUp::CrowdedOut => (
                ErrorCode::QueueFull,
                "too many requests for metrics are waiting, and only the newest are served; ask again",
            ),
            GivenUp::Stopping => {
                (ErrorCode::Cancelled, "the agent is shutting down and collects no more metrics")
            }
        };
        let (id, command_type) = (Some(id), Some("Metrics".to_owned()));
        let rejection = Rejection { id, command_type, ..Rejection::new(code, text) };
        self.refuse(rejection.into_message());
    }

    pub(super) fn tell_audit(&mut self, now: Now, rejection: &Rejection, actions: &mut Vec<Action>) {
        if self.refused.take(now.mono) {
            actions.push(Action::Refused(rejection.clone()));
        }
    }

    /// A line that only guests send, most often one of our own: a terminal that echoes, two ends tied to each other. It is never
    /// answered, as the answer would come back as well.
    pub(super) fn echoed(&mut self, actions: &mut Vec<Action>) {
        self.stats.echoed_lines += 1;
        if !std::mem::replace(&mut self.echo_logged, true) {
            let text = "received lines that only guests send, perhaps the agent's own: is the other end \
                an echoing terminal, or not a host? Such lines are counted, not answered";
            actions.push(Action::Log(Level::Warn, text.to_owned()));
        }
    }

    pub(super) fn rejected(
        &mut self,
        now: Now,
        rejection: Rejection,
        asker: Option<&Asker>,
        actions: &mut Vec<Action>,
    ) {
        self.stats.rejected_lines += 1;
        self.tell_audit(now, &rejection, actions);
        if !std::mem::replace(&mut self.refusal_logged, true) {
            let text =
                format!("the host sent a line that was refused ({rejection}); further ones go to the audit");
            actions.push(Action::Log(Level::Warn, text));
        }
        let belongs_to_nothing = rejection.id.is_none();
        if belongs_to_nothing && !(self.errors.take(now.mono) && self.may_err(now, rejection.code)) {
            self.stats.refusals_dropped += 1;
            return;
        }
        self.refuse_to(rejection.into_message(), asker);
    }

    /// Not the host, or not with our secret: answered at a bounded rate, and said at a smaller one.
    fn unsigned(
        &mut self,
        now: Now,
        rejection: Rejection,
        answer: bool,
        log: bool,
        actions: &mut Vec<Action>,
    ) {
        self.stats.unsigned_lines += 1;
        if log {
            let count = self.stats.unsigned_lines;
            let text = format!("a line was refused because of its signature, {count} so far ({rejection})");
            actions.push(Action::Log(Level::Warn, text));
        }
        if answer && (rejection.id.is_some() || self.may_err(now, rejection.code)) {
            self.refuse_to(rejection.into_message(), None);
        } else {
            self.stats.refusals_dropped += 1;
        }
    }

    /// Of what was taken: it is told to who asked.
    pub(super) fn refuse(&mut self, message: GuestMessage) {
        self.stats.refusals_dropped += u64::from(!self.outbox.refuse(message));
    }

    /// Of what was not taken.
    fn refuse_to(&mut self, message: GuestMessage, asker: Option<&Asker>) {
        self.stats.refusals_dropped += u64::from(!self.outbox.refuse_to(message, asker));
    }
}
