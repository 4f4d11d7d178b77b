//! What goes out sealed: the outbox asks for whom each message is.

use super::super::askers::{Asker, NotTaken};
use super::super::seals::Recipient;
use super::{Outbox, RESERVE};
use infiniservice_protocol::encode::Body;
use infiniservice_protocol::{GuestMessage, HostMessage, Limits};
use std::time::Duration;

impl Outbox {
    /// Takes note of who asks this.
    pub(crate) fn note(
        &mut self,
        now: Duration,
        message: &HostMessage,
        asker: Option<&Asker>,
    ) -> Result<(), NotTaken> {
        self.seals.as_mut().map_or(Ok(()), |seals| seals.askers.note(now, message, asker))
    }

    /// Takes the refusal of what was not taken: it is for who sealed it, or else for all.
    #[must_use]
    pub(crate) fn refuse_to(&mut self, mut message: GuestMessage, asker: Option<&Asker>) -> bool {
        let has_id = matches!(message, GuestMessage::Response(_));
        let max = RESERVE.min(self.limits.max_outgoing_line_bytes);
        let body = match (&mut self.seals, asker) {
            (Some(seals), Some(asker)) => seals.seal(&mut message, max, asker),
            _ => self.plain(&mut message, RESERVE),
        };
        self.push_refusal(body, has_id)
    }

    /// The message for whom it is for.
    pub(super) fn encode(&mut self, message: &mut GuestMessage, max_bytes: usize) -> Body {
        let max = max_bytes.min(self.limits.max_outgoing_line_bytes);
        match self.seals.as_mut().map(|seals| (seals.recipient(message), seals)) {
            Some((Recipient::One(asker), seals)) => seals.seal(message, max, &asker),
            _ => self.plain(message, max_bytes),
        }
    }

    /// An answer that has no place of its own where it is sealed; `false` where it is for all.
    pub(super) fn answer_sealed(&mut self, message: &mut GuestMessage) -> bool {
        let max = self.limits.max_outgoing_line_bytes;
        let Some(seals) = &mut self.seals else { return false };
        let Recipient::One(asker) = seals.recipient(message) else { return false };
        let body = seals.seal(message, max, &asker);
        self.push_answer(body, true);
        true
    }

    /// Whether nobody may read it.
    pub(super) fn is_for_nobody(&mut self, message: &GuestMessage) -> bool {
        self.seals.as_mut().is_some_and(|seals| seals.recipient(message) == Recipient::Nobody)
    }

    /// Takes note that a message answers what was asked.
    pub(super) fn settle(&mut self, message: &GuestMessage) {
        if let Some(seals) = &mut self.seals {
            seals.answered(message);
        }
    }

    /// The host went, and its streams with it.
    pub(super) fn forget_streams(&mut self) {
        if let Some(seals) = &mut self.seals {
            seals.askers.disconnect();
        }
    }

    /// Other limits hold for what is remembered of askers.
    pub(crate) fn set_askers_limits(&mut self, limits: &Limits) {
        if let Some(seals) = &mut self.seals {
            seals.set_limits(limits);
        }
    }

    pub(super) fn askers_bytes(&self) -> usize {
        self.seals.as_ref().map_or(0, |seals| seals.askers.bytes())
    }
}
