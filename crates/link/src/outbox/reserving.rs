//! Room that is set aside for the answers of accepted commands.

use super::{Outbox, RESERVE};
use infiniservice_protocol::batch::BatchResult;
use infiniservice_protocol::{GuestMessage, Response};

/// Answers that may be outstanding at once, whatever the bound; above any sensible queue of the executor's.
pub(super) const MAX_RESERVED: usize = 512;

impl Outbox {
    /// Whether one more command's answer is sure to find room.
    pub fn has_room(&self) -> bool {
        self.has_room_for(1)
    }

    fn has_room_for(&self, answers: usize) -> bool {
        self.reserved + answers <= MAX_RESERVED && self.free() >= answers * self.reserve_bytes()
    }

    /// Sets room aside for so many answers to what is being accepted: for all of them, or none.
    #[must_use]
    pub fn reserve(&mut self, answers: usize) -> bool {
        let room = self.has_room_for(answers);
        self.reserved += if room { answers } else { 0 };
        room
    }

    /// So many answers for which room is set aside will not come.
    pub fn spare(&mut self, answers: usize) {
        self.reserved = self.reserved.saturating_sub(answers);
    }

    /// Takes an accepted command's answer, using up its reservation. Returns whether it had to be cut to the room left.
    pub fn answer(&mut self, response: Response) -> bool {
        self.extras.answered(&response.id);
        self.take_answer(GuestMessage::Response(response))
    }

    /// The same of a batch, after the answers to its commands.
    pub fn batch_result(&mut self, result: BatchResult) -> bool {
        self.take_answer(GuestMessage::BatchResult(result))
    }

    fn take_answer(&mut self, mut message: GuestMessage) -> bool {
        self.spare(1);
        let mut body = self.encode(&mut message, usize::MAX);
        let free = self.free().max(self.reserve_bytes());
        let cut = body.line_bytes() > free;
        if cut {
            body = self.encode(&mut message, free);
        }
        self.settle(&message);
        self.push_answer(body, false);
        cut
    }

    pub(super) fn reserve_bytes(&self) -> usize {
        RESERVE.min(self.refusal_share()).min(self.limits.max_outgoing_line_bytes)
    }

    /// What answers may still take without touching what is set aside for those to come, and for refusals.
    fn free(&self) -> usize {
        let answers = self.answer_bytes.saturating_sub(self.refusal_bytes);
        let taken = answers.saturating_add(self.reserved.saturating_mul(self.reserve_bytes()));
        self.limits.outbox_max_bytes.saturating_sub(self.refusal_share()).saturating_sub(taken)
    }
}
