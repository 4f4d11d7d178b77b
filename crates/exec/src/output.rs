//! A program's output: its pipes, read to their end whatever is kept of them, what is kept within a bound,
//! and its lines, handed over as they come.

use crate::Captured;
use crate::progress::{Follower, Pieces, whole_characters};
use std::ops::ControlFlow;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::Instant;

const CHUNK: usize = 16 << 10;

/// Either pipe, or one for both.
pub(super) struct Pipe(Box<dyn AsyncRead + Send + Unpin>);

impl Pipe {
    pub(super) fn of(pipe: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self(Box::new(pipe))
    }
}

impl From<ChildStdout> for Pipe {
    fn from(pipe: ChildStdout) -> Self {
        Self::of(pipe)
    }
}

impl From<ChildStderr> for Pipe {
    fn from(pipe: ChildStderr) -> Self {
        Self::of(pipe)
    }
}

/// Where a program's output comes from, and what of it is kept.
pub(super) struct Outputs<'a> {
    /// Of each stream, in bytes.
    pub(super) max: usize,
    /// Not as text.
    pub(super) as_bytes: bool,
    /// Both streams in one, in place of the program's own pipes.
    pub(super) merged: Option<Pipe>,
    /// Who takes the lines of its stdout besides.
    pub(super) lines: Option<TakeLine<'a>>,
    /// Who gets pieces of both as they come.
    pub(super) follower: Option<Follower>,
}

impl Outputs<'_> {
    pub(super) fn capture(&self) -> Capture {
        Capture { as_bytes: self.as_bytes, ..Capture::new(self.max) }
    }
}

/// A pipe with what was read from it.
pub(super) struct Stream<'a> {
    pipe: Option<Pipe>,
    capture: Capture,
    lines: Option<Splitter<'a>>,
    pieces: Option<Pieces>,
    chunk: Box<[u8]>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(pipe: Option<Pipe>, capture: Capture) -> Self {
        Self { pipe, capture, lines: None, pieces: None, chunk: vec![0; CHUNK].into_boxed_slice() }
    }

    /// The same, whose lines go to `take` besides.
    pub(super) fn with_lines(mut self, take: Option<TakeLine<'a>>) -> Self {
        self.lines = take.map(Splitter::new);
        self
    }

    /// The same, of which somebody gets pieces as they come.
    pub(super) fn with_pieces(mut self, pieces: Option<Pieces>) -> Self {
        self.pieces = pieces;
        self
    }

    /// When what waits for its piece is due.
    pub(super) fn piece_due(&self) -> Option<Instant> {
        self.pieces.as_ref().and_then(Pieces::due)
    }

    /// Hands over the piece that is due.
    pub(super) fn flush_piece(&mut self) {
        if let Some(pieces) = &mut self.pieces {
            pieces.flush(Instant::now());
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Whether the taker of its lines wants no more.
    pub(super) fn had_enough(&self) -> bool {
        self.lines.as_ref().is_some_and(Splitter::had_enough)
    }

    /// Reads once. Cancel safe: nothing is lost where the wait is given up.
    pub(super) async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.0.read(&mut self.chunk).await {
            Ok(0) => self.pipe = None,
            Ok(count) => self.take(count),
            Err(error) => {
                self.capture.cut();
                log::debug!("cannot read a command's output to its end: {error}");
                self.pipe = None;
            }
        }
    }

    fn take(&mut self, count: usize) {
        let bytes = self.chunk.get(..count).unwrap_or_default();
        self.capture.push(bytes);
        if let Some(lines) = &mut self.lines {
            lines.push(bytes);
        }
        if let Some(pieces) = &mut self.pieces {
            pieces.push(Instant::now(), bytes);
        }
        if self.had_enough() {
            self.pipe = None;
        }
    }

    pub(super) fn finish(mut self) -> Captured {
        if let Some(lines) = &mut self.lines {
            lines.finish();
        }
        self.capture.finish()
    }
}

/// One stream of a program's output.
#[derive(Debug)]
pub(super) struct Capture {
    kept: Vec<u8>,
    max: usize,
    total: u64,
    /// Whether the stream broke off.
    broken: bool,
    as_bytes: bool,
}

impl Capture {
    pub(super) fn new(max: usize) -> Self {
        Self { kept: Vec::new(), max, total: 0, broken: false, as_bytes: false }
    }

    /// Takes the next bytes; beyond the bound they are only counted.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.max - self.kept.len();
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The stream cannot be read to its end: what is kept is not all of it.
    pub(super) fn cut(&mut self) {
        self.broken = true;
    }

    /// Valid UTF-8 without NUL, or the very bytes.
    pub(super) fn finish(mut self) -> Captured {
        let truncated = self.broken || self.total > self.kept.len() as u64;
        if self.as_bytes {
            let text = String::new();
            return Captured { text, bytes: self.kept, total_bytes: self.total, truncated };
        }
        if truncated {
            self.kept.truncate(whole_characters(&self.kept));
        }
        let mut text = match String::from_utf8(self.kept) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        if text.contains('\0') {
            text.retain(|c| c != '\0');
        }
        Captured { text, bytes: Vec::new(), total_bytes: self.total, truncated }
    }
}

/// The longest line that is handed over whole, in bytes; of a longer one the beginning is.
pub(crate) const LINE_MAX_BYTES: usize = 64 << 10;
/// A program that has written this many bytes in lines is ended: no list is that long.
pub(crate) const LINES_MAX_BYTES: u64 = 256 << 20;

/// One line without its end, as valid UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The text.
    pub text: &'a str,
    /// Whether this is only its beginning.
    pub cut: bool,
}

/// Takes each line. After [`ControlFlow::Break`] it gets no more, and the program is ended: [`crate::Status::Enough`].
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

    fn captured(max: usize, chunks: &[&[u8]]) -> Captured {
        let mut capture = Capture::new(max);
        for chunk in chunks {
            capture.push(chunk);
        }
        capture.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let want = Captured::from("abcdef".to_owned());
        assert_eq!(captured(6, &[b"abc", b"def"]), want);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_a_character_is_never_cut_in_two() {
        let want = Captured { text: "ab".into(), total_bytes: 9, truncated: true, ..Captured::default() };
        assert_eq!(captured(4, &["ab\u{20ac}cdef".as_bytes()]), want.clone());
        assert_eq!(captured(2, &[b"abcdefghi"]), want);
    }

    #[test]
    fn nul_is_dropped_and_invalid_bytes_are_replaced() {
        assert_eq!(captured(100, &[b"a\0b\xffc"]).text, "ab\u{fffd}c");
    }

    #[test]
    fn bytes_are_kept_as_they_came_up_to_the_bound() {
        let bytes = |max| {
            let mut capture =
                Outputs { max, as_bytes: true, merged: None, lines: None, follower: None }.capture();
            capture.push(b"a\0\xff\xe2\x82");
            capture.finish()
        };
        let whole = bytes(9);
        assert_eq!((whole.text.as_str(), &*whole.bytes), ("", &b"a\0\xff\xe2\x82"[..]));
        assert_eq!((whole.total_bytes, whole.truncated), (5, false));
        let cut = bytes(4);
        assert_eq!((&*cut.bytes, cut.total_bytes, cut.truncated), (&b"a\0\xff\xe2"[..], 5, true));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_chunks_give_the_same_bounded_harmless_text(
            bytes in prop::collection::vec(any::<u8>(), 0..200), max in 0_usize..100, cut in 0_usize..200,
        ) {
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let whole = captured(max, &[&bytes]);
            prop_assert_eq!(&captured(max, &[a, b]), &whole);
            prop_assert!(!whole.text.contains('\0'));
            prop_assert!(whole.text.chars().count() <= max);
            prop_assert_eq!(whole.truncated, bytes.len() > max);
        }
    }

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
