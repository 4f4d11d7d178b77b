//! What only a dialect has: its lines, both ways, and the locked state.

use super::Link;
use super::dialect::Said;
use super::event::Action;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::codec::LineItem;
use infiniservice_protocol::envelope::unchecked_payload;
use infiniservice_protocol::{ErrorCode, GuestMessage, HostMessage, Rejection, parse_host_line};

impl Link {
    /// A line of the dialect's for the host; without a receipt only for one that is there.
    pub(super) fn say(&mut self, said: &Said) {
        if said.receipt.is_some() || self.connection.is_connected() {
            self.outbox.spoken.say(said);
        }
    }

    /// Whether the dialect has its own way with this line.
    pub(super) fn is_dealt_with(&mut self, now: Now, item: &LineItem, actions: &mut Vec<Action>) -> bool {
        let Some(dialect) = self.dialect.clone() else { return false };
        if let LineItem::TooLong { bytes } = item {
            self.outbox.spoken.say(&Said { line: dialect.too_long(*bytes), receipt: None });
        }
        let Some(why) = dialect.locked() else { return false };
        if let LineItem::Line(line) = item {
            self.locked(now, line, why, actions);
        }
        true
    }

    /// Without a secret nobody can be known: a ping is answered, and nothing else has an effect.
    fn locked(&mut self, now: Now, line: &str, why: &str, actions: &mut Vec<Action>) {
        let payload = unchecked_payload(line);
        match parse_host_line(payload.as_deref().unwrap_or(line)) {
            Ok(HostMessage::KeepAliveRequest { sequence_number }) => self.outbox.pong(sequence_number),
            Ok(HostMessage::KeepAliveResponse { .. }) => {}
            Err(rejection) if rejection.from_guest => self.echoed(actions),
            // What the dialect alone has it also answers alone: the host waits for more than an error.
            Err(rejection) if self.is_of_host(&rejection) => {
                self.stats.unsigned_lines += 1;
                actions.push(Action::DeliverLine(payload.unwrap_or_else(|| line.to_owned())));
            }
            _ => {
                self.stats.unsigned_lines += 1;
                let rejection = Rejection::new(ErrorCode::SignatureInvalid, why);
                self.tell_audit(now, &rejection, actions);
                if self.may_err(now, rejection.code) {
                    self.refuse(rejection.into_message());
                }
            }
        }
    }

    /// A line of a type that the native protocol does not have.
    pub(super) fn foreign(
        &mut self,
        now: Now,
        rejection: Rejection,
        text: String,
        actions: &mut Vec<Action>,
    ) {
        let kind = rejection.command_type.as_deref().unwrap_or_default();
        let dialect = self.dialect.as_ref();
        if rejection.from_guest || dialect.is_some_and(|dialect| dialect.is_of_guest(kind)) {
            return self.echoed(actions);
        }
        if !self.is_of_host(&rejection) {
            return self.rejected(now, rejection, None, actions);
        }
        self.stats.messages_in += 1;
        actions.extend(self.auth.newest().map(Action::NewestSigned));
        self.heard();
        actions.push(Action::DeliverLine(text));
    }

    fn is_of_host(&self, rejection: &Rejection) -> bool {
        let kind = rejection.command_type.as_deref().unwrap_or_default();
        self.dialect.as_ref().is_some_and(|dialect| dialect.is_of_host(kind))
    }

    /// Whether an `error` of this code may be sent now.
    pub(super) fn may_err(&mut self, now: Now, code: ErrorCode) -> bool {
        let Some(period) = self.dialect.as_ref().map(|dialect| dialect.error_period()) else { return true };
        match self.errors_sent.iter_mut().find(|(sent, _)| *sent == code) {
            Some((_, at)) if now.mono < at.saturating_add(period) => return false,
            Some((_, at)) => *at = now.mono,
            None => self.errors_sent.push((code, now.mono)),
        }
        true
    }

    /// As the dialect wants it: an error that another part of the agent sends has the same budget.
    pub(super) fn is_spared(&mut self, now: Now, message: &GuestMessage) -> bool {
        matches!(message, GuestMessage::Error(error) if !self.may_err(now, error.error_code))
    }
}
