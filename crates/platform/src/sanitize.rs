//! What packages, units and tools say, made fit for one line of a message.

pub use infiniservice_protocol::text::{hides, misleads};

/// Longest description, in characters.
const DESCRIPTION_CHARS: usize = 256;
/// Longest quotation of a tool, in characters.
const QUOTE_CHARS: usize = 400;

/// A description, a name, a publisher: whoever made the package or unit wrote it.
pub fn description(text: &str) -> String {
    clean(text, DESCRIPTION_CHARS)
}

/// A line of a tool's output, for a sentence.
pub fn quote(text: &str) -> String {
    clean(text, QUOTE_CHARS)
}

/// Why the system refused, without the number that std adds.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// Each control character becomes a blank, so that places in the text stay where they were.
pub fn blanked(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn clean(text: &str, max: usize) -> String {
    let mut clean: String = text.trim().chars().filter(|c| !misleads(*c)).take(max + 1).collect();
    if let Some((cut, _)) = clean.char_indices().nth(max) {
        clean.truncate(cut);
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_words_alone() {
        let missing = reason(&std::io::Error::from_raw_os_error(2));
        assert!(missing.len() > 10 && !missing.contains("os error"), "{missing}");
        assert_eq!(reason(&std::io::Error::other("other")), "other");
    }
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_lose_what_makes_them_work() {
        assert_eq!(description("\u{1b}]0;owned\u{7}\u{1b}[2J red\r\n"), "]0;owned[2J red");
        assert_eq!(description("evil\u{202e}gpj.exe"), "evilgpj.exe");
    }

    #[test]
    fn a_megabyte_becomes_a_line() {
        let cut = description(&"ä".repeat(1 << 20));
        assert_eq!((cut.chars().count(), cut.chars().last()), (DESCRIPTION_CHARS + 1, Some('…')));
        let whole = "ä".repeat(DESCRIPTION_CHARS);
        assert_eq!(description(&whole), whole);
    }

    proptest! {
        #[test]
        fn whatever_a_package_says_is_short_and_on_one_line(text in any::<String>()) {
            let clean = description(&text);
            prop_assert!(clean.chars().count() <= DESCRIPTION_CHARS + 1);
            prop_assert!(!clean.contains(char::is_control));
        }
    }
}
