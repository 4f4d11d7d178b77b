//! Lines of a program's output, handed over as they come: a list of any length costs one line of memory.

use std::ops::ControlFlow;

/// The longest line that is handed over whole, in bytes; of a longer one the beginning is.
pub const LINE_MAX_BYTES: usize = 64 << 10;
/// A program that has written this many bytes in lines is ended: no list is that long.
pub const LINES_MAX_BYTES: u64 = 256 << 20;

/// One line without its end, as valid UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The text.
    pub text: &'a str,
    /// Whether this is only its beginning.
    pub cut: bool,
}

/// Takes each line. After [`ControlFlow::Break`] it gets no more, and the program is ended: [`super::Status::Enough`].
pub type TakeLine<'a> = &'a mut (dyn FnMut(Line<'_>) -> ControlFlow<()> + Send);

/// Cuts a stream into lines.
pub(super) struct Splitter<'a> {
    take: TakeLine<'a>,
    line: Vec<u8>,
    cut: bool,
    total: u64,
    enough: bool,
}

impl<'a> Splitter<'a> {
    pub(super) fn new(take: TakeLine<'a>) -> Self {
        Self { take, line: Vec::new(), cut: false, total: 0, enough: false }
    }

    /// Whether no more is wanted.
    pub(super) fn had_enough(&self) -> bool {
        self.enough
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.enough {
                return;
            }
            let text = piece.strip_suffix(b"\n");
            self.extend(text.unwrap_or(piece));
            if text.is_some() {
                self.hand_over();
            }
        }
        self.enough |= self.total > LINES_MAX_BYTES;
    }

    /// The last line may lack its end.
    pub(super) fn finish(&mut self) {
        if !self.enough && !self.line.is_empty() {
            self.hand_over();
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_MAX_BYTES.saturating_sub(self.line.len());
        self.cut |= bytes.len() > room;
        self.line.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn hand_over(&mut self) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let text = String::from_utf8_lossy(line);
        self.enough = (self.take)(Line { text: &text, cut: self.cut }).is_break();
        self.line.clear();
        self.cut = false;
    }
}

/// The same of a text that is there as a whole.
pub(super) fn each(text: &str, take: TakeLine<'_>) {
    let mut splitter = Splitter::new(take);
    splitter.push(text.as_bytes());
    splitter.finish();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(chunks: &[&[u8]], max: usize) -> (Vec<(String, bool)>, bool) {
        let mut got = Vec::new();
        let mut take = |line: Line<'_>| {
            got.push((line.text.to_owned(), line.cut));
            if got.len() == max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut splitter = Splitter::new(&mut take);
        for chunk in chunks {
            splitter.push(chunk);
        }
        splitter.finish();
        let enough = splitter.had_enough();
        (got, enough)
    }

    #[test]
    fn lines_come_whole_over_any_cut_and_the_last_one_needs_no_end() {
        let want = ["one", "two", "", "three"].map(|text| (text.to_owned(), false)).to_vec();
        assert_eq!(lines(&[b"on", b"e\ntwo\r", b"\n\nthr", b"ee"], 99), (want, false));
        assert_eq!(lines(&[b"\xff\n"], 99).0, [("\u{fffd}".to_owned(), false)]);
    }

    #[test]
    fn a_line_without_end_costs_its_bound_and_says_that_it_was_cut() {
        let long = vec![b'x'; 3 * LINE_MAX_BYTES];
        let (got, _) = lines(&[&long, &long, b"\nnext\n"], 99);
        assert_eq!(
            got.iter().map(|(text, cut)| (text.len(), *cut)).collect::<Vec<_>>(),
            [(LINE_MAX_BYTES, true), (4, false)]
        );
    }

    #[test]
    fn who_has_enough_gets_no_more() {
        let (got, enough) = lines(&[b"1\n2\n3\n", b"4\n"], 2);
        assert_eq!((got.len(), enough), (2, true));
    }

    proptest! {
        #[test]
        fn any_chunks_give_the_same_lines(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), cut in 0_usize..200) {
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(lines(&[a, b], 999), lines(&[&bytes], 999));
        }
    }
}
