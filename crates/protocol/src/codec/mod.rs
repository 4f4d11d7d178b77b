//! The line codec: bytes in any chunking to bounded lines.
//!
//! Bad input is an item, not an end: an oversized line, or one that is not UTF-8, comes out as a value, and the
//! next good line works. The bound holds before a newline has come.

#[cfg(test)]
mod tests;

use memchr::{memchr, memchr_iter, memrchr};

/// Capacity that an idle decoder keeps; a longer line's memory is given back once it has been read.
const KEPT_CAPACITY: usize = 16 * 1024;

/// What stood on the wire up to one newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineItem {
    /// A line, trimmed of what JSON calls white space, and never blank.
    Line(String),
    /// A line passed the bound. Told once, as soon as that is known; the rest up to its newline is discarded.
    TooLong {
        /// How many bytes of it had come by then: more than the bound, and how much more depends on the chunks.
        bytes: usize,
    },
    /// A line that is not UTF-8.
    InvalidUtf8 {
        /// The line as it came, trimmed likewise.
        line: Vec<u8>,
        /// Offset in `line` of the first byte that is not UTF-8.
        valid_up_to: usize,
    },
}

/// The same, as it lies in the memory of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRef<'a> {
    /// See [`LineItem::Line`].
    Line(&'a str),
    /// See [`LineItem::TooLong`].
    TooLong {
        /// How many bytes of it had come by then.
        bytes: usize,
    },
    /// See [`LineItem::InvalidUtf8`].
    InvalidUtf8 {
        /// The line as it came, trimmed likewise.
        line: &'a [u8],
        /// Offset in `line` of the first byte that is not UTF-8.
        valid_up_to: usize,
    },
}

impl From<LineRef<'_>> for LineItem {
    fn from(line: LineRef<'_>) -> Self {
        match line {
            LineRef::Line(text) => Self::Line(text.to_owned()),
            LineRef::TooLong { bytes } => Self::TooLong { bytes },
            LineRef::InvalidUtf8 { line, valid_up_to } => {
                Self::InvalidUtf8 { line: line.to_vec(), valid_up_to }
            }
        }
    }
}

/// Splits a stream into lines.
///
/// After each [`push`](Self::push) call [`next`](Self::next) until it says `None`. So used, it holds at most the
/// bound plus one chunk while it works, and at most the bound between two chunks.
#[derive(Debug)]
pub struct LineDecoder {
    buf: Vec<u8>,
    /// Start of the first line not yet handed out.
    start: usize,
    /// Up to here no newline was found after `start`.
    scanned: usize,
    discarding: bool,
    blank: bool,
    max_line_bytes: usize,
    kept_capacity: usize,
}

impl LineDecoder {
    /// A decoder for lines of at most `max_line_bytes`; all bytes before the newline count, `\r` too.
    pub const fn new(max_line_bytes: usize) -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            scanned: 0,
            discarding: false,
            blank: false,
            max_line_bytes,
            kept_capacity: KEPT_CAPACITY,
        }
    }

    /// The same, and no memory is kept between two lines: for a program with thousands of decoders of which few are in use.
    #[must_use]
    pub const fn keeping_nothing(mut self) -> Self {
        self.kept_capacity = 0;
        self
    }

    /// Takes what was read. While an oversized line is being discarded nothing of it is kept.
    pub fn push(&mut self, chunk: &[u8]) {
        if !self.discarding {
            self.buf.extend_from_slice(chunk);
        } else if let Some(end) = memchr(b'\n', chunk) {
            self.discarding = false;
            self.buf.extend_from_slice(chunk.get(end + 1..).unwrap_or_default());
        }
    }

    /// The next item, `None` when more bytes are needed. Blank lines are passed over.
    #[allow(clippy::should_implement_trait, reason = "more may come after None: this is not an iterator")]
    pub fn next(&mut self) -> Option<LineItem> {
        while let Some(line) = self.take_line() {
            let item = self.buf.get(line).and_then(|line| item(line, self.max_line_bytes));
            if item.is_some() {
                return item.map(LineItem::from);
            }
            self.blank = true;
        }
        self.compact();
        self.overflow().map(LineItem::from)
    }

    /// Takes what was read and gives what [`next`](Self::next) would, without copying a line that lies in it in one piece: for a
    /// program that reads the lines of thousands. Not to be mixed with items that are still to come.
    pub fn each(&mut self, chunk: &[u8], mut take: impl FnMut(LineRef<'_>)) {
        let mut rest = chunk;
        if self.discarding || !self.buf.is_empty() {
            // The first line began in an earlier chunk.
            let (first, after) = rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
            self.push(first);
            self.give(&mut take);
            rest = after;
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', rest) {
            let line = rest.get(start..end).unwrap_or_default();
            start = end + 1;
            match item(line, self.max_line_bytes) {
                Some(item) => take(item),
                None => self.blank = true,
            }
        }
        self.push(rest.get(start..).unwrap_or_default());
        self.give(&mut take);
    }

    /// Gives the lines of what was pushed.
    fn give(&mut self, take: &mut impl FnMut(LineRef<'_>)) {
        while let Some(line) = self.take_line() {
            match self.buf.get(line).and_then(|line| item(line, self.max_line_bytes)) {
                Some(item) => take(item),
                None => self.blank = true,
            }
        }
        self.compact();
        if let Some(item) = self.overflow() {
            take(item);
        }
    }

    /// Forgets a line that has no newline yet, oversized or not: at a disconnect the rest of it never comes.
    pub fn reset(&mut self) {
        let whole = memrchr(b'\n', &self.buf).map_or(0, |newline| newline + 1).max(self.start);
        self.buf.truncate(whole);
        self.scanned = self.scanned.min(whole);
        self.discarding = false;
        if self.start == whole {
            self.compact();
        }
    }

    /// The line that has no newline yet: what another decoder goes on with, by [`push`](Self::push).
    pub fn unfinished(&self) -> &[u8] {
        self.buf.get(self.start..).unwrap_or_default()
    }

    /// Whether the rest of an oversized line is being discarded.
    pub const fn is_discarding(&self) -> bool {
        self.discarding
    }

    /// Discards what comes up to the next newline, as the rest of an oversized line.
    pub fn discard(&mut self) {
        self.reset();
        self.discarding = true;
    }

    /// Whether a blank line was passed over since this was asked last: a host begins with one.
    pub fn take_blank(&mut self) -> bool {
        std::mem::take(&mut self.blank)
    }

    /// How many bytes are held.
    pub fn buffered(&self) -> usize {
        self.buf.len().saturating_sub(self.start)
    }

    /// How many bytes are allocated.
    pub fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// The range of the next line that has its newline.
    fn take_line(&mut self) -> Option<std::ops::Range<usize>> {
        let Some(found) = memchr(b'\n', self.buf.get(self.scanned..).unwrap_or_default()) else {
            self.scanned = self.buf.len();
            return None;
        };
        let end = self.scanned + found;
        let line = self.start..end;
        self.start = end + 1;
        self.scanned = end + 1;
        Some(line)
    }

    /// Moves the unfinished line to the front, and gives memory back that only a large one needed.
    fn compact(&mut self) {
        self.buf.drain(..self.start.min(self.buf.len()));
        self.start = 0;
        self.scanned = self.buf.len();
        let kept = self.kept_capacity;
        if self.buf.len() <= kept && self.buf.capacity() > 2 * kept {
            self.buf.shrink_to(kept);
        }
    }

    /// Turns to discarding when the unfinished line has passed the bound.
    fn overflow(&mut self) -> Option<LineRef<'static>> {
        let bytes = self.buf.len();
        if bytes <= self.max_line_bytes {
            return None;
        }
        self.buf = Vec::new();
        self.scanned = 0;
        self.discarding = true;
        Some(LineRef::TooLong { bytes })
    }
}

/// A line without its newline as an item; `None` for a blank one.
fn item(line: &[u8], max_bytes: usize) -> Option<LineRef<'_>> {
    if line.len() > max_bytes {
        return Some(LineRef::TooLong { bytes: line.len() });
    }
    let line = trim(line);
    match std::str::from_utf8(line) {
        Ok("") => None,
        Ok(text) => Some(LineRef::Line(text)),
        Err(error) => Some(LineRef::InvalidUtf8 { line, valid_up_to: error.valid_up_to() }),
    }
}

/// White space is what JSON says it is (RFC 8259, section 2): a no-break space around an object is no JSON.
fn trim(line: &[u8]) -> &[u8] {
    let solid = |byte: &u8| !is_blank(*byte);
    let (begin, end) = (line.iter().position(solid), line.iter().rposition(solid));
    begin.zip(end).and_then(|(begin, end)| line.get(begin..=end)).unwrap_or_default()
}

/// Whether a byte is white space to JSON.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
