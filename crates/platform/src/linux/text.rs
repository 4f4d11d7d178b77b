//! Reading the kernel's text files byte by byte: no allocation, any bytes.

use crate::sanitize::blanked;
use thiserror::Error;

/// What in a text or record was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {item} is missing or invalid")]
pub struct ParseError {
    /// Counted from 1; 0 for the file as a whole.
    pub line: usize,
    /// The item expected.
    pub item: &'static str,
}

impl ParseError {
    /// `item` on `line`, counted from 1.
    pub const fn new(line: usize, item: &'static str) -> Self {
        Self { line, item }
    }
}

/// The words of a line, separated by blanks and tabs.
pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t' | b'\r')).filter(|w| !w.is_empty())
}

/// The lines of a text, numbered from 1, blank ones left out.
pub fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    text.split(|b| *b == b'\n')
        .enumerate()
        .map(|(i, line)| (i + 1, line))
        .filter(|(_, line)| !line.is_empty())
}

/// Decimal digits only; larger than 64 bits is the largest there is, as the kernel never means less by it.
pub fn unsigned(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |n, b| {
        b.is_ascii_digit().then(|| n.saturating_mul(10).saturating_add(u64::from(b - b'0')))
    })
}

/// As [`unsigned`], with a sign; a negative number is 0.
pub(crate) fn unsigned_or_negative(word: &[u8]) -> Option<u64> {
    match word.strip_prefix(b"-") {
        Some(rest) => unsigned(rest).map(|_| 0),
        None => unsigned(word),
    }
}

/// A number with a fraction: finite and not negative.
pub fn decimal(word: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(word.trim_ascii()).ok()?.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// The next word as a number, or which item of which line is missing.
pub fn next_unsigned<'a>(
    words: &mut impl Iterator<Item = &'a [u8]>,
    line: usize,
    item: &'static str,
) -> Result<u64, ParseError> {
    words.next().and_then(unsigned).ok_or(ParseError::new(line, item))
}

/// Text of at most `max` bytes from any bytes: bad UTF-8 is replaced, control characters become blanks.
pub fn printable(bytes: &[u8], max: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(max)]);
    let mut text = blanked(&text);
    if text.len() > max {
        let end = (0..=max).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// Undoes the kernel's `\040` escapes (`mangle_path` in `fs/seq_file.c`).
pub fn unescape_octal(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if let (b'\\', Some(byte)) = (first, octal(tail)) {
            out.push(byte);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits = digits.get(..3)?;
    let value =
        digits.iter().try_fold(0u32, |n, b| matches!(b, b'0'..=b'7').then(|| n * 8 + u32::from(b - b'0')))?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_only_make_a_number() {
        assert_eq!(unsigned(b"4096"), Some(4096));
        assert_eq!(unsigned(b"99999999999999999999999"), Some(u64::MAX));
        assert_eq!([unsigned(b""), unsigned(b"-1"), unsigned(b"1x")], [None; 3]);
        assert_eq!(unsigned_or_negative(b"-7"), Some(0));
    }

    #[test]
    fn mount_points_with_blanks_come_back() {
        assert_eq!(unescape_octal(br"/mnt/a\040b\134c"), b"/mnt/a b\\c");
        assert_eq!(unescape_octal(br"\04"), br"\04");
        assert_eq!(unescape_octal(br"\777"), br"\777");
    }

    #[test]
    fn hostile_bytes_become_bounded_text() {
        assert_eq!(printable(b"a\x1b[31m\n\xffb", 64), "a [31m \u{fffd}b");
        assert_eq!(printable("ééé".as_bytes(), 4), "éé");
    }

    proptest! {
        #[test]
        fn any_bytes_make_text_within_the_bound(bytes: Vec<u8>, max in 0usize..64) {
            let text = printable(&bytes, max);
            prop_assert!(text.len() <= max);
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert!(unescape_octal(&bytes).len() <= bytes.len());
        }
    }
}
