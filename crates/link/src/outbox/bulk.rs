//! What goes over the bulk port while that is used.

use super::Outbox;
use crate::item::Item;

/// Answers of this many bytes are large ones.
pub const LARGE_BYTES: usize = 16 * 1024;

impl Outbox {
    /// Whether the bulk port takes what is for it.
    pub fn uses_bulk(&self) -> bool {
        self.uses_bulk
    }

    /// From now on it does, or not: then what waits for it goes over the first port.
    pub(crate) fn use_bulk(&mut self, uses_bulk: bool) {
        self.uses_bulk = uses_bulk;
        if !uses_bulk {
            self.answers.append(&mut self.bulk_answers);
        }
    }

    /// The next for the bulk port; as of [`Self::pop`].
    pub(crate) fn pop_bulk(&mut self) -> Option<Item> {
        if !self.uses_bulk {
            return None;
        }
        self.bulk_answers.pop_front().or_else(|| self.extras.pop().map(Item::Extra))
    }

    /// The next for the first port of what may be lost.
    pub(super) fn pop_extra(&mut self) -> Option<Item> {
        if self.uses_bulk { None } else { self.extras.pop().map(Item::Extra) }
    }

    /// Whether nothing waits for the first port.
    pub fn is_empty_but_for_bulk(&self) -> bool {
        self.holds_none_beside_extras() && (self.uses_bulk || self.extras.is_empty())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.holds_none_beside_extras() && self.bulk_answers.is_empty() && self.extras.is_empty()
    }
}
