//! What was asked of an agent, and what became of it.

use super::ping_id;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

/// The account of one host.
#[derive(Debug, Default)]
pub struct Ledger {
    open: HashMap<String, Instant>,
    done: HashSet<String>,
    /// Requests, a repeated one counted once.
    pub asked: u64,
    /// Of these, answered.
    pub answered: u64,
    /// Answers to what was answered already.
    pub twice: u64,
    /// Answers to what was never asked.
    pub strangers: u64,
    /// Requests by an id that was in flight: their answer is still to come.
    pub in_flight: u64,
    /// Lines that are no message.
    pub torn: u64,
    /// Answers by their error code; `success` for those without.
    pub codes: BTreeMap<String, u64>,
    /// Metrics that nobody asked for.
    pub metrics: u64,
    /// Heartbeats of the agent.
    pub heartbeats: u64,
    /// `error` lines.
    pub errors: u64,
    /// The longest time between a question and its answer.
    pub slowest: Duration,
}

#[derive(Deserialize)]
struct Heard {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    request_id: Option<String>,
    sequence_number: Option<u64>,
    error_code: Option<String>,
}

impl Ledger {
    /// A request goes out.
    pub fn asked(&mut self, id: &str) {
        if !self.done.contains(id) && self.open.insert(id.to_owned(), Instant::now()).is_none() {
            self.asked += 1;
        }
    }

    /// Whether answers are missing.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Answers that are missing.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Whether this id was asked and its answer is missing.
    pub fn waits_for(&self, id: &str) -> bool {
        self.open.contains_key(id)
    }

    /// Some of the ids whose answers are missing.
    pub fn some_open(&self) -> Vec<&str> {
        self.open.keys().map(String::as_str).take(5).collect()
    }

    /// Whether this id was answered.
    pub fn has(&self, id: &str) -> bool {
        self.done.contains(id)
    }

    /// Forgets the ids that were answered, so that a long account takes no more memory than a short one.
    pub fn forget(&mut self) {
        self.done.clear();
    }

    /// Answers with this error code, or `success`.
    pub fn with_code(&self, code: &str) -> u64 {
        self.codes.get(code).copied().unwrap_or_default()
    }

    /// Whether nothing was lost, doubled, invented or torn.
    pub fn is_balanced(&self) -> bool {
        self.open.is_empty() && self.twice + self.strangers + self.torn == 0
    }

    /// Takes a line; a heartbeat's number where it is one. Numbers from `first_ping` on answer the host's own.
    pub fn take(&mut self, line: &[u8], first_ping: u64) -> Option<u64> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        let Ok(heard) = serde_json::from_slice::<Heard>(line) else {
            self.torn += 1;
            return None;
        };
        match (heard.kind.as_str(), heard.sequence_number) {
            ("keep_alive", Some(number)) if number < first_ping => {
                self.heartbeats += 1;
                return Some(number);
            }
            ("keep_alive", Some(number)) => self.answer(&ping_id(number), "pong"),
            ("system_metrics", _) => match heard.request_id {
                Some(id) => self.answer(&id, "metrics"),
                None => self.metrics += 1,
            },
            ("response", _) => {
                let code = heard.error_code.as_deref().unwrap_or("success");
                if code == "DUPLICATE_ID" {
                    self.in_flight += 1;
                    return None;
                }
                self.answer(heard.id.as_deref().unwrap_or_default(), code);
            }
            ("error", _) => self.errors += 1,
            _ => {}
        }
        None
    }

    fn answer(&mut self, id: &str, code: &str) {
        match self.open.remove(id) {
            Some(asked) => {
                self.answered += 1;
                self.slowest = self.slowest.max(asked.elapsed());
                *self.codes.entry(code.to_owned()).or_default() += 1;
                self.done.insert(id.to_owned());
            }
            None if self.done.contains(id) => self.twice += 1,
            None => self.strangers += 1,
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<String> = self.codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
        write!(
            f,
            "{} asked, {} answered ({}), {} lost, {} doubled, {} unasked, {} torn; slowest {:.1} s",
            self.asked,
            self.answered,
            codes.join(", "),
            self.open.len(),
            self.twice,
            self.strangers,
            self.torn,
            self.slowest.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(ledger: &mut Ledger, line: &str) -> Option<u64> {
        ledger.take(line.as_bytes(), 1 << 52)
    }

    #[test]
    fn what_was_asked_is_open_until_it_is_answered_and_a_second_answer_is_told_apart() {
        let mut ledger = Ledger::default();
        ledger.asked("a");
        ledger.asked("a");
        assert_eq!((ledger.asked, ledger.open()), (1, 1));
        take(&mut ledger, r#"{"type":"response","id":"a","error_code":"DUPLICATE_ID"}"#);
        assert!(ledger.is_open() && ledger.in_flight == 1);
        take(&mut ledger, r#"{"type":"response","id":"a","success":true}"#);
        assert!(ledger.is_balanced() && ledger.with_code("success") == 1);
        take(&mut ledger, r#"{"type":"response","id":"a","success":true}"#);
        take(&mut ledger, r#"{"type":"response","id":"b","error_code":"QUEUE_FULL"}"#);
        take(&mut ledger, r#"{"type":"respo"#);
        assert_eq!((ledger.twice, ledger.strangers, ledger.torn), (1, 1, 1));
        assert!(!ledger.is_balanced());
    }

    #[test]
    fn heartbeats_are_to_be_answered_and_pongs_are_answers() {
        let mut ledger = Ledger::default();
        let number = (1 << 52) + 3;
        ledger.asked(&ping_id(number));
        assert_eq!(take(&mut ledger, r#"{"type":"keep_alive","sequence_number":7}"#), Some(7));
        let pong = format!(r#"{{"type":"keep_alive","sequence_number":{number}}}"#);
        assert_eq!(take(&mut ledger, &pong), None);
        assert!(ledger.is_balanced());
    }
}
