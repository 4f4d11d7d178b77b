//! The newest errors and warnings of the log, kept for who asks: the journal may be gone, or belong to somebody else.

use log::Level;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Of each level.
const KEPT: usize = 5;
/// Of one text.
const MAX_CHARS: usize = 512;

/// One line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// When, RFC 3339.
    pub timestamp: String,
    /// `error` or `warning`.
    pub level: String,
    /// What was said.
    pub text: String,
}

/// Oldest first.
#[derive(Debug)]
struct Memory {
    errors: VecDeque<Logged>,
    warnings: VecDeque<Logged>,
}

static MEMORY: Mutex<Memory> = Mutex::new(Memory { errors: VecDeque::new(), warnings: VecDeque::new() });

impl Memory {
    fn note(&mut self, now: SystemTime, level: Level, text: &str) {
        let (kept, level) = match level {
            Level::Error => (&mut self.errors, "error"),
            Level::Warn => (&mut self.warnings, "warning"),
            Level::Info | Level::Debug | Level::Trace => return,
        };
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Logged {
            timestamp: humantime::format_rfc3339_millis(now).to_string(),
            level: level.into(),
            text: text.chars().take(MAX_CHARS).collect(),
        });
    }

    /// Errors, then warnings: those do not push errors out.
    fn all(&self) -> Vec<Logged> {
        self.errors.iter().chain(&self.warnings).cloned().collect()
    }
}

/// Takes note of a line of the log.
pub fn note(level: Level, text: &str) {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner).note(SystemTime::now(), level, text);
}

/// What is kept now.
pub fn newest() -> Vec<Logged> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner).all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_five_errors_stay_whatever_is_warned_of() {
        let mut memory = Memory { errors: VecDeque::new(), warnings: VecDeque::new() };
        let at = SystemTime::UNIX_EPOCH;
        (0..7).for_each(|n| memory.note(at, Level::Error, &format!("error {n}")));
        (0..90).for_each(|n| memory.note(at, Level::Warn, &format!("warning {n}")));
        memory.note(at, Level::Info, "nothing");
        let texts: Vec<String> = memory.all().into_iter().map(|logged| logged.text).collect();
        assert_eq!(texts[..2], ["error 2", "error 3"]);
        assert_eq!((texts.len(), texts[9].as_str()), (10, "warning 89"));
    }

    #[test]
    fn a_text_is_cut() {
        let mut memory = Memory { errors: VecDeque::new(), warnings: VecDeque::new() };
        memory.note(SystemTime::UNIX_EPOCH, Level::Error, &"\u{e9}".repeat(100_000));
        assert_eq!(memory.all()[0].text.chars().count(), MAX_CHARS);
    }
}
