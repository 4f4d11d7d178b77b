//! Lists that tools print, taken line by line: whatever their length, no more is kept than an answer may need, and no more is told
//! than a line has room for.

use crate::packages::Parsed;
use infiniservice_exec::{Finished, Line, Status};
use infiniservice_protocol::encode::ListBudget;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Lines that are read of a list: no system has so many packages.
pub(super) const MAX_LINES: u32 = 50_000;
/// Bytes that are read of it.
pub(super) const MAX_BYTES: usize = 8 << 20;
/// Kept of what the tool writes besides, for its messages, in bytes.
pub(super) const MESSAGES_MAX_BYTES: usize = 64 << 10;

/// Cuts the list `name` of an answer to `max_bytes` on the wire; what its `truncated` says then.
pub(super) fn within<T: Serialize>(name: &str, list: &mut Vec<T>, max_bytes: usize) -> BTreeMap<String, u64> {
    let before = list.len();
    list.truncate(ListBudget::new(max_bytes).take_all(list));
    let is_cut = list.len() < before;
    is_cut.then(|| (name.to_owned(), before as u64)).into_iter().collect()
}

/// How a list was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    lines: u32,
    bytes: usize,
    cut: bool,
    /// Lines that should have been rows.
    pub(super) unreadable: u32,
}

impl Tally {
    /// Of a list that was there as a whole.
    pub(super) fn of_the_whole(unreadable: u32) -> Self {
        Self { unreadable, ..Self::default() }
    }

    /// Takes the next line. The row in it goes to `keep`.
    pub(super) fn take<T>(
        &mut self,
        line: Line<'_>,
        read: &mut dyn FnMut(&str) -> Parsed<T>,
        keep: &mut dyn FnMut(T),
    ) -> ControlFlow<()> {
        self.bytes = self.bytes.saturating_add(line.text.len());
        self.cut |= self.lines >= MAX_LINES || self.bytes > MAX_BYTES;
        if self.cut {
            return ControlFlow::Break(());
        }
        self.lines += 1;
        match read(line.text) {
            Some(Some(row)) => keep(row),
            Some(None) => self.unreadable = self.unreadable.saturating_add(1),
            None => {}
        }
        ControlFlow::Continue(())
    }

    /// Whether the list came well, as a whole or cut. A program is also ended whose lines have no end.
    pub(super) fn ended(&mut self, finished: &Finished, well: bool) -> bool {
        self.cut |= finished.status == Status::Enough;
        self.cut || well
    }

    /// Why the list is not whole; `None` where it is.
    pub(super) fn cut(&self) -> Option<String> {
        self.cut.then(|| format!("the list was truncated after {} lines: it is too long", self.lines))
    }
}

/// The action's parameters.
#[derive(Debug, Default)]
pub(super) struct ListQuery {
    pub(super) limit: Option<u32>,
    pub(super) filter: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(line: &str) -> Parsed<u32> {
        (!line.is_empty()).then(|| line.parse().ok())
    }

    fn taken(lines: impl Iterator<Item = String>) -> (Tally, usize) {
        let (mut tally, mut kept) = (Tally::default(), 0);
        for text in lines {
            let line = Line { text: &text, cut: false };
            if tally.take(line, &mut number, &mut |_| kept += 1).is_break() {
                break;
            }
        }
        (tally, kept)
    }

    #[test]
    fn a_list_is_read_up_to_its_bound_of_lines_or_bytes_and_the_cut_is_told() {
        let (whole, kept) = taken(["1", "", "x", "2"].into_iter().map(str::to_owned));
        assert_eq!((kept, whole.unreadable, whole.cut()), (2, 1, None));
        let (endless, kept) = taken(std::iter::repeat_n("1".to_owned(), 60_000));
        assert_eq!((kept, endless.lines), (50_000, 50_000));
        assert_eq!(endless.cut().unwrap(), "the list was truncated after 50000 lines: it is too long");
        let (wide, kept) = taken(std::iter::repeat_n("0".repeat(64 << 10), 1_000));
        assert!(kept <= MAX_BYTES / (64 << 10) && wide.cut().is_some(), "{kept}");
    }
}
