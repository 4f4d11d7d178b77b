//! A guest's words as label values: cut, and without control characters.

use std::borrow::Cow;

/// Longest value of a label that a guest tells, in bytes.
pub const MAX_LABEL_BYTES: usize = 128;

/// Whether a value is too long.
pub const fn is_cut(value: &str) -> bool {
    value.len() > MAX_LABEL_BYTES
}

/// The value as it is told: at most [`MAX_LABEL_BYTES`] of it, control characters replaced. A newline stays, as it is escaped.
pub fn clean(value: &str) -> Cow<'_, str> {
    let value = value.get(..value.floor_char_boundary(MAX_LABEL_BYTES)).unwrap_or_default();
    if !value.chars().any(is_control) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(
        value.chars().map(|it| if is_control(it) { char::REPLACEMENT_CHARACTER } else { it }).collect(),
    )
}

fn is_control(letter: char) -> bool {
    letter.is_control() && letter != '\n'
}

/// Writes a value between its quotation marks.
pub fn escape(value: &str, out: &mut String) {
    if !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        return out.push_str(value);
    }
    for letter in value.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}
