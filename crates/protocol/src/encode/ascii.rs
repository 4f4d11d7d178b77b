//! The spelling of JSON on the wire: ASCII, no U+0000, integers that every reader holds exactly.

use crate::number::{MAX_COUNT, counter};
use crate::text::steers;
use memchr::memchr;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use std::io::{self, Write};

/// Fields of the outermost object whose text stays as it is: a program's output, and what the host chose.
const AS_IT_STANDS: [&str; 5] = ["stdout", "stderr", "text", "id", "request_id"];
/// No key that matters is longer.
const LONGEST_KEY: usize = 10;
/// Where a log's messages stand, which keep their newlines and tabs: the keys of the nested objects, and how deep these are.
const MESSAGES: [(&str, usize); 3] = [("data", 1), ("lines", 2), ("message", 4)];

/// Compact JSON with everything beyond ASCII [escaped](escape), U+0000 dropped, and integers clamped to what the contract
/// allows (31 bits for counts, 53 for the rest). What steers a terminal becomes a blank, wherever it stands, but for
/// [`AS_IT_STANDS`] and the ends of lines in [`MESSAGES`].
#[derive(Default)]
pub(super) struct AsciiFormatter {
    depth: usize,
    /// The outermost object's key that is being written, or whose value is; then those below it on the way to a message.
    keys: [String; MESSAGES.len()],
    /// Which of them is being written.
    in_key: Option<usize>,
    /// Whether it is only a part, which may stand among [`MESSAGES`].
    is_part: bool,
}

impl AsciiFormatter {
    /// For the length of a part of a message, wherever it stands.
    pub(super) fn of_a_part() -> Self {
        Self { is_part: true, ..Self::default() }
    }

    fn is_raw(&self) -> bool {
        let [outermost, ..] = &self.keys;
        self.depth == 1 && self.in_key.is_none() && AS_IT_STANDS.contains(&outermost.as_str())
    }

    /// Whether it is, or may be, a log's message that is being written.
    fn has_lines(&self) -> bool {
        self.is_part || self.depth == 4 && self.in_key.is_none() && self.leads_to(MESSAGES.len())
    }

    /// Whether the first `count` keys are those of a message.
    fn leads_to(&self, count: usize) -> bool {
        self.keys.iter().zip(MESSAGES).take(count).all(|(key, (wanted, _))| key == wanted)
    }

    fn remember_key(&mut self, fragment: &str) {
        let Some(key) = self.in_key.and_then(|at| self.keys.get_mut(at)) else { return };
        if key.len() + fragment.len() <= LONGEST_KEY {
            key.push_str(fragment);
        } else {
            // Longer than any that matters.
            key.clear();
            self.in_key = None;
        }
    }

    fn write_char<W: ?Sized + Write>(&self, out: &mut W, char: char) -> io::Result<()> {
        match char {
            '\0' => Ok(()),
            char if steers(char) && !self.is_raw() => out.write_all(b" "),
            '\x7f' => out.write_all(b"\x7f"),
            char => escape(out, char),
        }
    }
}

impl Formatter for AsciiFormatter {
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        CompactFormatter.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        CompactFormatter.end_object(out)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        CompactFormatter.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        CompactFormatter.end_array(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        let at = MESSAGES.iter().position(|(_, depth)| *depth == self.depth).filter(|at| self.leads_to(*at));
        if let Some(key) = at.and_then(|at| self.keys.get_mut(at)) {
            key.clear();
            self.in_key = at;
        }
        CompactFormatter.begin_object_key(out, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.in_key = None;
        CompactFormatter.end_object_key(out)
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        self.remember_key(fragment);
        // Nearly every fragment; `is_ascii` looks at a word at a time.
        if fragment.is_ascii() && memchr(0x7f, fragment.as_bytes()).is_none() {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.bytes().position(|byte| byte >= 0x7f) {
            let (ascii, tail) = rest.split_at(at);
            out.write_all(ascii.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(char) = chars.next() {
                self.write_char(out, char)?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(0) => Ok(()),
            CharEscape::Quote | CharEscape::ReverseSolidus | CharEscape::Solidus => {
                CompactFormatter.write_char_escape(out, escape)
            }
            line @ (CharEscape::LineFeed | CharEscape::Tab) if self.has_lines() => {
                CompactFormatter.write_char_escape(out, line)
            }
            control if self.is_raw() => CompactFormatter.write_char_escape(out, control),
            _ => out.write_all(b" "),
        }
    }

    fn write_u32<W: ?Sized + Write>(&mut self, out: &mut W, value: u32) -> io::Result<()> {
        CompactFormatter.write_u32(out, value.min(MAX_COUNT))
    }

    fn write_u64<W: ?Sized + Write>(&mut self, out: &mut W, value: u64) -> io::Result<()> {
        CompactFormatter.write_u64(out, counter(value))
    }
}

/// How many bytes a character takes on the wire.
pub(super) const fn wire_len(char: char) -> usize {
    match char {
        '\0' => 0,
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        ' '..='\u{7f}' => 1,
        '\u{1}'..='\u{ffff}' => 6,
        _ => 12,
    }
}

/// Writes a character as JSON's escape of its UTF-16 code unit, such as `\u00e9`; of both where it has two.
pub fn escape<W: ?Sized + Write>(out: &mut W, char: char) -> io::Result<()> {
    for unit in char.encode_utf16(&mut [0; 2]) {
        let [high, low] = unit.to_be_bytes();
        out.write_all(&[b'\\', b'u', hex(high >> 4), hex(high), hex(low >> 4), hex(low)])?;
    }
    Ok(())
}

/// The lowest four bits as a hexadecimal digit.
const fn hex(nibble: u8) -> u8 {
    match nibble & 0x0f {
        digit @ 0..=9 => b'0' + digit,
        letter => b'a' + letter - 10,
    }
}
