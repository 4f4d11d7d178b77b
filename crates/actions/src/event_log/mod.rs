//! The Application log of Windows: which event a log line or a record of the audit becomes, and how often. The mapping
//! is pure; only the call is Windows'.

#[cfg(test)]
mod message_table_tests;
#[cfg(not(target_os = "windows"))]
mod none;
#[cfg(any(test, target_os = "windows"))]
mod rate_limit;
#[cfg(target_os = "windows")]
mod windows;

pub use imp::{flush, is_open, open, write};
#[cfg(target_os = "windows")]
pub use windows::{deregister, register};

use infiniservice_protocol::text::misleads;
use log::Level;
#[cfg(not(target_os = "windows"))]
use none as imp;
#[cfg(target_os = "windows")]
use windows as imp;

/// The source's name, as Event Viewer shows it.
pub const SOURCE: &str = "InfiniService";

/// How many strings each event of a record has.
pub const EVENT_STRINGS: usize = 10;

/// Longest string that one event takes, in UTF-16 units ([ReportEventW], `lpStrings`).
///
/// [ReportEventW]: https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-reporteventw
pub const MAX_UNITS: usize = 31_839;

/// Ids of log lines.
pub const LINE_ERROR: u32 = 1;
/// See [`LINE_ERROR`].
pub const LINE_WARNING: u32 = 2;
/// See [`LINE_ERROR`].
pub const LINE_INFORMATION: u32 = 3;
/// So many were too many.
pub const LEFT_OUT: u32 = 4;
/// Ids of the audit's records: 100 to 199 are reserved for them.
pub const COMMAND_SUCCEEDED: u32 = 100;
/// It ran, or was to run, and failed.
pub const COMMAND_FAILED: u32 = 101;
/// It was never tried: the settings or a limit forbid it, or it is none that the agent knows.
pub const COMMAND_REFUSED: u32 = 102;
/// A line of the host that is no command.
pub const LINE_REFUSED: u32 = 103;
/// A number of such lines.
pub const MORE_LINES_REFUSED: u32 = 104;

/// The modules whose information is for an administrator: start, stop, settings read again.
const NOTABLE: [&str; 2] = ["infiniservice::program", "infiniservice::service"];

/// An event's type, of which Event Viewer makes the icon and the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `EVENTLOG_ERROR_TYPE`.
    Error,
    /// `EVENTLOG_WARNING_TYPE`.
    Warning,
    /// `EVENTLOG_INFORMATION_TYPE`.
    Information,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its type.
    pub kind: Kind,
    /// Its id.
    pub id: u32,
    /// What stands for `%1`, `%2`, … of the id's text.
    pub strings: Vec<String>,
}

impl Event {
    /// An event; its strings are made fit for the log.
    pub fn new(kind: Kind, id: u32, strings: &[&str]) -> Self {
        Self { kind, id, strings: strings.iter().map(|text| inserted(text)).collect() }
    }

    /// The event of a log line: errors, warnings, and of the rest what an administrator wants to know.
    pub fn of_line(level: Level, target: &str, text: &str) -> Option<Self> {
        let (kind, id) = match level {
            Level::Error => (Kind::Error, LINE_ERROR),
            Level::Warn => (Kind::Warning, LINE_WARNING),
            Level::Info if is_notable(target) => (Kind::Information, LINE_INFORMATION),
            Level::Info | Level::Debug | Level::Trace => return None,
        };
        Some(Self::new(kind, id, &[text]))
    }

    /// That this many events were not written.
    pub fn left_out(count: u64) -> Self {
        Self::new(Kind::Warning, LEFT_OUT, &[&count.to_string()])
    }

    /// Whether it is a record of the audit.
    pub fn is_audit(&self) -> bool {
        self.id >= COMMAND_SUCCEEDED
    }
}

fn is_notable(target: &str) -> bool {
    NOTABLE.iter().any(|module| {
        target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

/// A string that stays one line, is not cut by the system, and in which Event Viewer finds no place to fill: it would
/// take `%1` in it for one (documentation of `ReportEventW`).
fn inserted(text: &str) -> String {
    let mut units = 0;
    let mut fit = String::new();
    let mut letters = text.chars().map(visible).peekable();
    while let Some(letter) = letters.next() {
        let is_place = letter == '%'
            && letters.peek().is_some_and(|next| next.is_ascii_digit() || "%n!".contains(*next));
        units += letter.len_utf16() + usize::from(is_place);
        if units > MAX_UNITS {
            break;
        }
        fit.push(letter);
        if is_place {
            fit.push(' ');
        }
    }
    fit
}

/// What would end a line or turn the direction of writing around becomes a blank.
fn visible(letter: char) -> char {
    if misleads(letter) { ' ' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_warnings_and_what_an_administrator_wants_to_know_become_events() {
        let told = |level, target| Event::of_line(level, target, "x").map(|event| (event.kind, event.id));
        assert_eq!(told(Level::Error, "any"), Some((Kind::Error, 1)));
        assert_eq!(told(Level::Warn, "any"), Some((Kind::Warning, 2)));
        for target in ["infiniservice::program", "infiniservice::service::shutdown"] {
            assert_eq!(told(Level::Info, target), Some((Kind::Information, 3)), "{target}");
        }
        for target in ["infiniservice::commands::audit", "infiniservice::services", "zbus"] {
            assert_eq!(told(Level::Info, target), None, "{target}");
        }
        assert_eq!(told(Level::Debug, "infiniservice::service"), None);
    }

    #[test]
    fn a_text_that_names_places_to_fill_keeps_its_signs() {
        for (given, written) in [
            ("fe80::1%12", "fe80::1% 12"),
            ("%1 %%14 100 %", "% 1 % % 14 100 %"),
            ("a\r\nResult: ok\u{202e}\0", "a  Result: ok  "),
        ] {
            assert_eq!(Event::new(Kind::Error, 1, &[given]).strings, [written]);
        }
    }

    #[test]
    fn a_long_string_is_cut_at_what_the_system_takes_and_never_inside_a_letter() {
        for letter in ["x", "ä", "🜚"] {
            let event = Event::new(Kind::Error, 1, &[&letter.repeat(100_000)]);
            let units = event.strings[0].encode_utf16().count();
            assert!((MAX_UNITS - 1..=MAX_UNITS).contains(&units), "{units} of {letter}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_one_short_line_without_places(text in ".*|[\\x00-\\xff%0-9]*") {
            let event = Event::new(Kind::Error, 1, &[&text]);
            let written = &event.strings[0];
            prop_assert!(written.encode_utf16().count() <= MAX_UNITS && !written.contains(char::is_control));
            for (at, _) in written.match_indices('%') {
                let next = written[at + 1..].chars().next();
                prop_assert!(next.is_none_or(|next| !next.is_ascii_digit() && next != '%'), "{written}");
            }
        }
    }
}
