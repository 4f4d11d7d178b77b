//! For tests: what a hostile guest says, and whether a terminal is safe from what is shown of it.

/// Escape sequences, C1 controls, reordering, newlines, and the mark of what was no UTF-8.
pub(super) const EVIL: &str =
    "\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{9b}31m\u{202e}txt\u{2066}\r\n\u{0}\u{fffd}fake  running";

/// Longest line that is shown: a cell of 200 columns a column of the table, and a little more.
const MAX_LINE_CHARS: usize = 2500;

/// Nothing that a terminal obeys, and no line without end.
pub(super) fn assert_harmless(shown: &str) {
    let obeyed = |c: char| {
        c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    assert!(!shown.contains(obeyed), "{shown:?}");
    assert!(!shown.contains("\nfake"), "{shown:?}");
    for line in shown.lines() {
        assert!(line.chars().count() <= MAX_LINE_CHARS, "{} characters in one line", line.chars().count());
    }
}
