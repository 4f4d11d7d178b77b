//! How many lines came and what they were: counters that only grow, also when a machine is forgotten.

use crate::histogram::Histogram;
use crate::line::{Answer, Said};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::{ActionName, UNSAFE_COMMAND};
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, Error};
use std::collections::BTreeMap;

/// What kind of line one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineType {
    /// `system_metrics`.
    Metrics,
    /// `keep_alive`.
    KeepAlive,
    /// `hello`.
    Hello,
    /// `response` or `batch_result`.
    Answer,
    /// `output`.
    Output,
    /// `stream`.
    Stream,
    /// `circuit_breaker_state`.
    Breaker,
    /// `error`.
    Error,
    /// A type that this hub does not know.
    Other,
    /// No message, or too long for one.
    Malformed,
}

impl LineType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Metrics,
        Self::KeepAlive,
        Self::Hello,
        Self::Answer,
        Self::Output,
        Self::Stream,
        Self::Breaker,
        Self::Error,
        Self::Other,
        Self::Malformed,
    ];

    /// Its name in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metrics => "system_metrics",
            Self::KeepAlive => "keep_alive",
            Self::Hello => "hello",
            Self::Answer => "response",
            Self::Output => "output",
            Self::Stream => "stream",
            Self::Breaker => "circuit_breaker_state",
            Self::Error => "error",
            Self::Other => "other",
            Self::Malformed => "malformed",
        }
    }

    /// Of what was said.
    pub const fn of(said: &Said<'_>) -> Self {
        match said {
            Said::Metrics { .. } => Self::Metrics,
            Said::KeepAlive { .. } => Self::KeepAlive,
            Said::Hello(_) => Self::Hello,
            Said::Answer(_) => Self::Answer,
            Said::Output { .. } => Self::Output,
            Said::Stream { .. } => Self::Stream,
            Said::Breaker(_) => Self::Breaker,
            Said::Error { .. } => Self::Error,
            Said::Sealed { .. } | Said::Other => Self::Other,
        }
    }
}

/// What was counted of one machine, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    lines: [u64; LineType::ALL.len()],
    bytes: u64,
    /// By the action's name and the code, both the protocol's own words: a guest cannot make up more of them.
    answers: BTreeMap<(&'static str, &'static str), u64>,
    /// By the action's name.
    seconds: BTreeMap<&'static str, Histogram>,
}

impl Counts {
    /// A line came that could be read.
    pub fn said(&mut self, said: &Said<'_>) {
        self.lines[LineType::of(said) as usize] += 1;
        if let Said::Answer(answer) = said {
            *self.answers.entry(labels(answer)).or_default() += 1;
        }
    }

    /// A command was answered so long after it was written.
    pub fn took(&mut self, action: &str, seconds: f64) {
        self.seconds.entry(action_label(action)).or_default().observe(seconds);
    }

    /// A line came that could not be read.
    pub fn malformed(&mut self) {
        self.lines[LineType::Malformed as usize] += 1;
    }

    /// Bytes came.
    pub fn received(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        for (sum, lines) in self.lines.iter_mut().zip(other.lines) {
            *sum += lines;
        }
        self.bytes += other.bytes;
        for (labels, answers) in &other.answers {
            *self.answers.entry(*labels).or_default() += answers;
        }
        for (action, seconds) in &other.seconds {
            self.seconds.entry(action).or_default().add(seconds);
        }
    }

    /// Lines of one type.
    pub const fn lines(&self, of: LineType) -> u64 {
        self.lines[of as usize]
    }

    /// Lines of all types.
    pub fn all_lines(&self) -> u64 {
        self.lines.iter().sum()
    }

    /// Bytes of lines.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How long commands took, by action.
    pub fn seconds(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        self.seconds.iter().map(|(action, seconds)| (*action, seconds))
    }

    /// Answers to commands: action, code (`ok` for a success), how many.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.answers.iter().map(|((action, code), count)| (*action, *code, *count))
    }
}

fn labels(answer: &Answer<'_>) -> (&'static str, &'static str) {
    (action_label(&answer.action), answer.code.as_deref().map_or("ok", known))
}

/// The protocol's own word for an action.
fn action_label(action: &str) -> &'static str {
    match (action, ActionName::from_name(action)) {
        (_, Some(action)) => action.name(),
        (UNSAFE_COMMAND, _) => UNSAFE_COMMAND,
        ("Batch", _) => "Batch",
        _ => "other",
    }
}

/// The protocol's own word for a code.
fn known(code: &str) -> &'static str {
    ErrorCode::deserialize(BorrowedStrDeserializer::<Error>::new(code)).map_or("other", ErrorCode::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{at, line};

    fn counted(lines: &[&str]) -> Counts {
        let mut counts = Counts::default();
        for line in lines {
            match line::read(line, at(0)) {
                Ok(said) => counts.said(&said),
                Err(_) => counts.malformed(),
            }
        }
        counts
    }

    #[test]
    fn lines_are_counted_by_what_they_are() {
        let counts = counted(&[
            r#"{"type":"keep_alive","sequence_number":7}"#,
            r#"{"type":"keep_alive","sequence_number":8}"#,
            r#"{"type":"of_the_future"}"#,
            "noise",
        ]);
        assert_eq!(counts.lines(LineType::KeepAlive), 2);
        assert_eq!((counts.lines(LineType::Other), counts.lines(LineType::Malformed)), (1, 1));
        assert_eq!(counts.all_lines(), 4);
    }

    #[test]
    fn a_guest_makes_up_neither_actions_nor_codes() {
        let answer = |action: &str, code: &str| {
            format!(
                r#"{{"type":"response","id":"a","success":{},"command_type":"{action}"{code}}}"#,
                code.is_empty()
            )
        };
        let mut lines = vec![answer("ServiceList", ""), answer("ServiceList", ""), answer("Batch", "")];
        lines.push(answer("ServiceControl", r#","error_code":"BUSY""#));
        lines.extend((0..100).map(|n| answer(&format!("x{n}"), &format!(r#","error_code":"y{n}""#))));
        let counts = counted(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let answers: Vec<_> = counts.answers().collect();
        let wanted = [
            ("Batch", "ok", 1),
            ("ServiceControl", "BUSY", 1),
            ("ServiceList", "ok", 2),
            ("other", "other", 100),
        ];
        assert_eq!(answers, wanted);
    }

    #[test]
    fn sums_are_of_all() {
        let mut sum = counted(&["noise"]);
        sum.add(&counted(&[
            "noise",
            r#"{"type":"response","id":"a","success":true,"command_type":"Batch"}"#,
        ]));
        assert_eq!((sum.lines(LineType::Malformed), sum.all_lines()), (2, 3));
        assert_eq!(sum.answers().collect::<Vec<_>>(), [("Batch", "ok", 1)]);
    }

    #[test]
    fn names_of_types_stand_at_their_places_and_differ() {
        for (place, kind) in LineType::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, place);
        }
        let names: std::collections::BTreeSet<_> = LineType::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), LineType::ALL.len());
    }
}
