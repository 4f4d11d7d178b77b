//! The guest's text before it reaches a terminal.
//!
//! Names, command lines and output come from a machine that may be hostile. Whatever a terminal would obey or be
//! confused by (escape sequences, control characters, reordering of text, invisible characters) is shown by its number.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks on one character that are shown; real scripts need two or three.
const MAX_MARKS: usize = 3;
/// Of a text within a sentence; names, versions and errors that are longer are not read anyway.
const MAX_BRIEF_COLUMNS: usize = 400;

/// One line: newlines and tabs are shown by their number too.
pub(crate) fn line(text: &str) -> String {
    clean(text, false)
}

/// One line within a sentence, of at most 400 columns.
pub(crate) fn brief(text: &str) -> String {
    fit(text, MAX_BRIEF_COLUMNS)
}

/// Several lines, as a program's output: newlines stay, tabs become blanks.
pub(crate) fn lines(text: &str) -> String {
    clean(text, true)
}

/// One line of at most `width` columns; `…` in the last one where it was cut.
pub(crate) fn fit(text: &str, width: usize) -> String {
    // A longer text cannot come into view; the guest decides how long it is.
    let bound =
        text.char_indices().nth(width.saturating_mul(1 + MAX_MARKS) + 1).map_or(text.len(), |(at, _)| at);
    let cut_before = bound < text.len();
    let whole = line(text.get(..bound).unwrap_or_default());
    if whole.width() <= width && !cut_before {
        return whole;
    }
    let mut shown = take_columns(&whole, width.saturating_sub(1));
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// `fit`, filled with blanks up to `width`.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let shown = fit(text, width);
    let blanks = width.saturating_sub(shown.width());
    shown + &" ".repeat(blanks)
}

fn take_columns(text: &str, width: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

fn clean(text: &str, keep_newlines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        match c {
            '\n' if keep_newlines => out.push('\n'),
            '\t' if keep_newlines => out.push_str("    "),
            _ if is_harmful(c) => out.extend(c.escape_default()),
            _ if c.width() == Some(0) => {
                marks += 1;
                if marks <= MAX_MARKS {
                    out.push(c);
                }
                continue;
            }
            _ => out.push(c),
        }
        marks = 0;
    }
    out
}

/// Control and format characters: what is not seen but acts.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFFC | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(line("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(line("\u{1b}]52;c;aGk=\u{7}"), "\\u{1b}]52;c;aGk=\\u{7}");
        assert_eq!(line("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(line("a\nb\rc\td"), "a\\nb\\rc\\td");
    }

    #[test]
    fn text_cannot_be_reordered_or_hidden() {
        assert_eq!(line("txt.\u{202e}exe"), "txt.\\u{202e}exe");
        assert_eq!(line("a\u{200b}b\u{2066}c\u{feff}"), "a\\u{200b}b\\u{2066}c\\u{feff}");
        assert_eq!(line("\u{e0041}"), "\\u{e0041}");
    }

    #[test]
    fn ordinary_text_of_any_script_stays() {
        for text in ["nginx: worker process", "naïve café", "日本語", "हिन्दी", "e\u{301}"] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        let zalgo = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(line(&zalgo), "a\u{301}\u{301}\u{301}b");
    }

    #[test]
    fn output_keeps_its_lines_and_nothing_else() {
        assert_eq!(lines("a\tb\nc\u{1b}[0m\r\n"), "a    b\nc\\u{1b}[0m\\r\n");
    }

    #[test]
    fn a_cut_text_says_so_and_wide_characters_count_twice() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("abcd", 4), "abcd");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(pad("日本", 6), "日本  ");
    }

    proptest! {
        #[test]
        fn nothing_harmful_ever_comes_out(text in any::<String>()) {
            prop_assert!(!line(&text).chars().any(|c| c.is_control() || is_harmful(c)));
            prop_assert!(!lines(&text).chars().any(|c| c != '\n' && (c.is_control() || is_harmful(c))));
        }

        #[test]
        fn the_width_is_kept(text in any::<String>(), width in 0_usize..60) {
            prop_assert!(fit(&text, width).width() <= width);
            prop_assert_eq!(pad(&text, width).width(), width);
        }
    }
}
