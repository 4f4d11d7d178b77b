//! Texts of others as they may stand in a message: no control characters, and no longer than is of use.

use std::borrow::Cow;

/// Characters of the host's own text that an answer repeats at most.
pub(crate) const MAX_ECHO_CHARS: usize = 256;

/// Whether a character could end a line, steer a terminal or turn the direction of writing: C0, DEL and C1, line and paragraph
/// separators, embeddings, overrides and isolates.
pub const fn steers(char: char) -> bool {
    matches!(char, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character steers, or marks a direction of writing: such a text may look like another one.
pub const fn misleads(char: char) -> bool {
    steers(char) || matches!(char, '\u{200e}' | '\u{200f}')
}

/// Whether a character misleads, or acts without being seen: joiners, invisible operators, byte order and annotation marks.
pub const fn hides(char: char) -> bool {
    misleads(char)
        || matches!(char, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// One harmless line: each character that [`steers`] is a blank.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(steers) { text.replace(steers, " ").into() } else { text.into() }
}

/// The text's first `MAX_ECHO_CHARS` characters, harmless, with an ellipsis where there were more.
pub fn echo(text: &str) -> String {
    let head = head(text);
    let more = if head.len() < text.len() { "\u{2026}" } else { "" };
    one_line(head).into_owned() + more
}

/// The text's first `MAX_ECHO_CHARS` characters as they stand.
pub fn head(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_ECHO_CHARS).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_becomes_blank_and_the_rest_stays() {
        assert_eq!(one_line("a\u{1b}[31m\n\u{9b}b\u{7f}\u{202e}\u{2028}é€"), "a [31m  b   é€");
        assert!(matches!(one_line("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_echo_is_short_and_says_that_it_was_cut() {
        assert_eq!(echo("x\ty"), "x y");
        assert_eq!(echo(&"\u{1f600}".repeat(1_000_000)).chars().count(), MAX_ECHO_CHARS + 1);
    }
}
