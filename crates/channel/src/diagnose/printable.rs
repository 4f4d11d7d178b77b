//! The way out of every report: what users, programs and hosts named never reaches a terminal as it is.

use infiniservice_platform::sanitize::hides;
use std::fmt::Write as _;

/// The text with everything escaped that a terminal would obey, that could look like another line, or that is not seen.
/// Line ends stay where `lines` says so.
fn escape(text: &str, lines: bool, write: impl Fn(&mut String, u32)) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if hides(letter) && !(lines && letter == '\n') {
            write(&mut out, u32::from(letter));
        } else {
            out.push(letter);
        }
    }
    out
}

/// One line for people.
pub fn line(text: &str) -> String {
    escape(text, false, |out, code| {
        // Writing to a `String` cannot fail.
        let _infallible = write!(out, "\\u{{{code:x}}}");
    })
}

/// JSON that means the same; all of these letters are in its strings, and below U+10000, or are line ends between them.
pub fn json(document: &str) -> String {
    escape(document, true, |out, code| {
        let _infallible = write!(out, "\\u{code:04x}");
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_shown_and_not_obeyed() {
        assert_eq!(
            line("\u{1b}]0;owned\u{7}\n\u{9b}2J\u{202e}é"),
            r"\u{1b}]0;owned\u{7}\u{a}\u{9b}2J\u{202e}é"
        );
    }

    proptest! {
        #[test]
        fn json_means_the_same_and_steers_nothing(text in any::<String>()) {
            let document = serde_json::to_string_pretty(&[&text]).unwrap();
            let shown = json(&document);
            prop_assert!(!shown.chars().any(|letter| letter != '\n' && hides(letter)));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [text]);
        }
    }
}
