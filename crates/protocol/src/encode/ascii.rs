//! The spelling of JSON on the wire: ASCII, no U+0000, integers that every reader holds exactly.

use crate::number::MAX_SAFE_INTEGER;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use std::io::{self, Write};

/// The largest value of pids and counts: 31 bits.
const MAX_COUNT: u32 = i32::MAX as u32;

/// Compact JSON with everything beyond ASCII as `\uXXXX`, U+0000 dropped, and integers clamped to what the contract
/// allows (31 bits for counts, 53 for the rest).
pub(super) struct AsciiFormatter;

impl Formatter for AsciiFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly every fragment; `is_ascii` looks at a word at a time.
        if fragment.is_ascii() {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
            let (ascii, tail) = rest.split_at(at);
            out.write_all(ascii.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(char) = chars.next() {
                escape(out, char)?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(0) => Ok(()),
            other => CompactFormatter.write_char_escape(out, other),
        }
    }

    fn write_u32<W: ?Sized + Write>(&mut self, out: &mut W, value: u32) -> io::Result<()> {
        CompactFormatter.write_u32(out, value.min(MAX_COUNT))
    }

    fn write_u64<W: ?Sized + Write>(&mut self, out: &mut W, value: u64) -> io::Result<()> {
        CompactFormatter.write_u64(out, value.min(MAX_SAFE_INTEGER))
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

/// `\uXXXX`, twice for a character beyond the basic plane.
fn escape<W: ?Sized + Write>(out: &mut W, char: char) -> io::Result<()> {
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
