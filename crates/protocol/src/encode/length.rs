//! How long a value is on the wire, measured no further than somebody has room for it.

use super::ascii::{AsciiFormatter, wire_len};
use super::{Bounded, to_ascii};
use serde::Serialize;
use std::io;

/// The room that a list has in an answer. Lists whose length others decide, such as the processes of users, are cut to it where they
/// are made, and say so.
#[derive(Clone, Copy, Debug)]
pub struct ListBudget {
    left: usize,
}

impl ListBudget {
    /// `bytes` on the wire.
    pub const fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// Takes the next item, with its comma; whether there was room for it.
    pub fn take<T: Serialize + ?Sized>(&mut self, item: &T) -> bool {
        let left = self.left.checked_sub(1).and_then(|left| Some(left - len_within(item, left)?));
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    /// How many of the items have room, from the first.
    pub fn take_all<T: Serialize>(&mut self, items: &[T]) -> usize {
        items.iter().take_while(|item| self.take(*item)).count()
    }

    /// What is left of it, in bytes.
    pub const fn left(self) -> usize {
        self.left
    }
}

/// How many bytes a part of a message takes on the wire at most, as its newlines are spelled by where it stands. `None` where that is
/// more than `max`; nothing is looked at beyond it.
pub(super) fn len_within<T: Serialize + ?Sized>(value: &T, max: usize) -> Option<usize> {
    let mut count = Bounded { sink: io::sink(), left: max };
    to_ascii(value, &mut count, AsciiFormatter::of_a_part()).ok()?;
    Some(max - count.left)
}

/// Whether a whole message takes at most `max` bytes.
pub(super) fn is_within<T: Serialize + ?Sized>(message: &T, max: usize) -> bool {
    to_ascii(message, &mut Bounded { sink: io::sink(), left: max }, AsciiFormatter::default()).is_ok()
}

/// Length of a text on the wire, without its quotes; of a longer one than `max` at least one more.
pub(super) fn text_len(text: &str, max: usize) -> usize {
    let mut bytes = 0;
    for char in text.chars() {
        bytes += wire_len(char);
        if bytes > max {
            break;
        }
    }
    bytes
}
