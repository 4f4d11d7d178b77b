//! One record as one line: nothing that a guest's process or the host can name ends a line or reaches a terminal raw.

use log::Level;
use std::fmt::Write as _;
use std::time::SystemTime;

/// A longer text is cut: journald would split the line (`LineMax=`, 48 KiB) and lose the priority of the rest.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// For people: time in UTC, level, module, text.
pub(super) fn console(now: SystemTime, level: Level, target: &str, text: &str) -> String {
    let time = humantime::format_rfc3339_millis(now);
    format!("{time} {level:<5} {target}: {}", one_line(text))
}

/// For journald: the priority of syslog(3) in front, see sd-daemon(3).
pub(super) fn journal(level: Level, text: &str) -> String {
    let priority = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    format!("<{priority}>{}", one_line(text))
}

/// The text with everything escaped that could forge a line or steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if line.len() >= MAX_TEXT_BYTES {
            let _ = write!(line, "... (truncated, {} bytes in all)", text.len());
            break;
        }
        match letter {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '\r' => line.push_str("\\r"),
            letter if steers(letter) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    line
}

/// Control characters (C0, DEL, C1), line separators, and those that change the direction of writing.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_console_form_has_time_level_and_module() {
        let line = console(SystemTime::UNIX_EPOCH, Level::Warn, "infiniservice::service", "no port");
        assert_eq!(line, "1970-01-01T00:00:00.000Z WARN  infiniservice::service: no port");
    }

    #[test]
    fn the_journal_form_has_the_priority_only() {
        assert_eq!(journal(Level::Error, "x"), "<3>x");
        assert_eq!(journal(Level::Info, "x"), "<6>x");
    }

    #[test]
    fn a_hostile_text_forges_neither_a_line_nor_a_terminal_sequence() {
        let line = journal(Level::Info, "unit a\n<0>kernel panic\u{1b}[2J\u{202e}\u{85}\0");
        assert_eq!(line, "<6>unit a\\n<0>kernel panic\\u{1b}[2J\\u{202e}\\u{85}\\u{0}");
    }

    #[test]
    fn a_long_text_is_cut_and_said_to_be() {
        let line = one_line(&"x".repeat(1 << 20));
        assert!(line.len() < MAX_TEXT_BYTES + 64);
        assert!(line.ends_with("(truncated, 1048576 bytes in all)"), "{}", &line[line.len() - 40..]);
    }

    proptest! {
        #[test]
        fn any_text_is_one_printable_line(text in ".*|[\\x00-\\xff]*") {
            prop_assert!(!one_line(&text).contains(steers));
        }
    }
}
