//! Keeps the beginning of a stream, counts all of it, and makes it harmless.

use crate::Captured;

/// One stream of a program's output.
#[derive(Debug)]
pub(super) struct Capture {
    kept: Vec<u8>,
    max: usize,
    total: u64,
    /// Whether the stream broke off.
    broken: bool,
}

impl Capture {
    pub(super) fn new(max: usize) -> Self {
        Self { kept: Vec::new(), max, total: 0, broken: false }
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

    /// Valid UTF-8 without NUL.
    pub(super) fn finish(mut self) -> Captured {
        let truncated = self.broken || self.total > self.kept.len() as u64;
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
        Captured { text, total_bytes: self.total, truncated }
    }
}

/// The length without a character that the cut went through.
fn whole_characters(bytes: &[u8]) -> usize {
    // A character is at most four bytes: only the last three can begin one that is not whole.
    let tail = bytes.len().saturating_sub(3);
    let incomplete = (tail..bytes.len()).find(|&at| {
        let rest = bytes.get(at..).unwrap_or_default();
        std::str::from_utf8(rest).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
    });
    incomplete.unwrap_or(bytes.len())
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
        let want = Captured { text: "abcdef".into(), total_bytes: 6, truncated: false };
        assert_eq!(captured(6, &[b"abc", b"def"]), want);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_a_character_is_never_cut_in_two() {
        let want = Captured { text: "ab".into(), total_bytes: 9, truncated: true };
        assert_eq!(captured(4, &["ab\u{20ac}cdef".as_bytes()]), want.clone());
        assert_eq!(captured(2, &[b"abcdefghi"]), want);
    }

    #[test]
    fn nul_is_dropped_and_invalid_bytes_are_replaced() {
        assert_eq!(captured(100, &[b"a\0b\xffc"]).text, "ab\u{fffd}c");
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
}
