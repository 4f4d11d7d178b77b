//! The guest's bytes as lines, of which no more is kept than one of the longest.

/// Stands before the answer to a `guest-sync-delimited`, and before our own: no text in JSON has this byte.
pub(super) const MARK: u8 = 0xff;
/// Longest line that is taken, in bytes: libvirt gives an agent up at this one.
pub(super) const MAX_LINE_BYTES: usize = 10 << 20;

/// A line is longer than that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// What came, up to where it was taken.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Before this all was taken.
    taken: usize,
    /// Before this there is no end of a line.
    searched: usize,
    waits_for_mark: bool,
    dropped: u64,
}

impl Lines {
    /// From now on all before the next mark is dropped.
    pub(super) fn wait_for_mark(&mut self) {
        self.forget();
        self.waits_for_mark = true;
    }

    /// How many bytes were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes what came. All before a mark is no answer to anything that is still waited for.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let marked = chunk.iter().rposition(|byte| *byte == MARK);
        if let Some(at) = marked {
            self.dropped += at as u64;
            self.forget();
            self.waits_for_mark = false;
        }
        if self.waits_for_mark {
            self.dropped += chunk.len() as u64;
            return;
        }
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        self.bytes.extend_from_slice(chunk.get(marked.map_or(0, |at| at + 1)..).unwrap_or_default());
    }

    /// The next line that is not blank, without its end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        loop {
            let fresh = self.bytes.get(self.searched..).unwrap_or_default();
            let end = fresh.iter().position(|byte| *byte == b'\n').map(|at| self.searched + at);
            let line = self.bytes.get(self.taken..end.unwrap_or(self.bytes.len())).unwrap_or_default();
            if line.len() > MAX_LINE_BYTES {
                return Err(TooLong);
            }
            let Some(end) = end else {
                self.searched = self.bytes.len();
                return Ok(None);
            };
            let line = line.trim_ascii().to_vec();
            (self.taken, self.searched) = (end + 1, end + 1);
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn forget(&mut self) {
        self.dropped += self.bytes.len().saturating_sub(self.taken) as u64;
        self.bytes.clear();
        (self.taken, self.searched) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(lines: &mut Lines) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(String::from_utf8(line).unwrap());
        }
        found
    }

    #[test]
    fn what_comes_before_the_mark_is_dropped_and_counted() {
        let mut lines = Lines::default();
        lines.wait_for_mark();
        lines.push(b"{\"return\": 1}\nhalf a li");
        assert!(all(&mut lines).is_empty());
        lines.push(b"ne\n\xff{\"return\": 2}\n\xff{\"return\": 3}\r\n\n{\"ret");
        assert_eq!(all(&mut lines), ["{\"return\": 3}"]);
        assert_eq!(lines.dropped(), 23 + 18);
        lines.push(b"urn\": 4}\n");
        assert_eq!(all(&mut lines), ["{\"return\": 4}"]);
    }

    #[test]
    fn a_line_without_end_is_an_error_and_nothing_is_kept_while_a_mark_is_waited_for() {
        let endless = vec![b'x'; MAX_LINE_BYTES];
        let mut lines = Lines::default();
        lines.push(&endless);
        assert_eq!(lines.next(), Ok(None));
        lines.push(b"x\n");
        assert_eq!(lines.next(), Err(TooLong));
        lines.wait_for_mark();
        lines.push(&endless);
        assert_eq!((lines.next(), lines.bytes.len()), (Ok(None), 0));
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_are_cut(
            texts in prop::collection::vec("[a-z]{0,9}", 0..20),
            cuts in prop::collection::vec(0_usize..40, 0..40),
        ) {
            let stream = texts.join("\n") + "\n";
            let (mut lines, mut found, mut rest) = (Lines::default(), Vec::new(), stream.as_bytes());
            for cut in cuts {
                let (chunk, left) = rest.split_at(cut.min(rest.len()));
                lines.push(chunk);
                found.extend(all(&mut lines));
                rest = left;
            }
            lines.push(rest);
            found.extend(all(&mut lines));
            let whole: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
            prop_assert_eq!(found, whole);
        }
    }
}
