//! `agent_event`: what the host's people are told beside answers, at most so much of it.

use infiniservice_link::Line;
use infiniservice_link::token_bucket::TokenBucket;
use serde_json::{Map, Value};
use std::time::Duration;

/// Events in a minute; of one that repeats itself only the number is told.
const A_MINUTE: u32 = 20;
/// One more event is allowed each so often.
const PERIOD: Duration = Duration::from_secs(60 / A_MINUTE as u64);
/// The same message is not sent again within this time.
const REPEATS: Duration = Duration::from_mins(5);
/// So many messages are remembered for that.
const REMEMBERED: usize = 32;

/// `severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something happened as it should.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something is lost.
    Error,
}

/// The same, of one execution of a script.
pub(crate) fn of_execution(mut event: Line, execution_id: &str) -> Line {
    event.insert("executionId".to_owned(), execution_id.into());
    event
}

/// The budget of events.
#[derive(Debug)]
pub(crate) struct Events {
    bucket: TokenBucket,
    /// Messages that were sent, when, and how often they were not sent since.
    sent: Vec<(String, Duration, u64)>,
}

impl Default for Events {
    fn default() -> Self {
        Self { bucket: TokenBucket::new(A_MINUTE, PERIOD), sent: Vec::new() }
    }
}

impl Events {
    /// The line, if it may be sent; a message that was left out meanwhile is told with how often.
    pub(crate) fn take(
        &mut self,
        now: Duration,
        severity: Severity,
        message: &str,
        context: Map<String, Value>,
    ) -> Option<Line> {
        let known = self.sent.iter_mut().find(|(text, ..)| text == message);
        let repeated = known.as_ref().is_some_and(|(_, at, _)| now < at.saturating_add(REPEATS));
        if repeated || !self.bucket.take(now) {
            if let Some((.., left_out)) = known {
                *left_out += 1;
            }
            return None;
        }
        let left_out = self.remember(now, message);
        let mut line = event(severity, message, context);
        if left_out > 0
            && let Some(Value::Object(context)) = line.get_mut("context")
        {
            context.insert("repeated".into(), left_out.into());
        }
        Some(line)
    }

    fn remember(&mut self, now: Duration, message: &str) -> u64 {
        let known = self.sent.iter().position(|(text, ..)| text == message);
        let left_out = known.map_or(0, |place| self.sent.remove(place).2);
        if self.sent.len() >= REMEMBERED {
            self.sent.remove(0);
        }
        self.sent.push((message.to_owned(), now, 0));
        left_out
    }
}

/// An `agent_event`.
pub(crate) fn event(severity: Severity, message: &str, context: Map<String, Value>) -> Line {
    let severity = match severity {
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
    };
    let texts = [("type", "agent_event"), ("severity", severity), ("source", "agent"), ("message", message)];
    let mut line: Line = texts.map(|(name, text)| (name.to_owned(), text.into())).into_iter().collect();
    line.insert("context".to_owned(), Value::Object(context));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_a_minute_are_sent_and_one_that_repeats_itself_is_counted() {
        let mut events = Events::default();
        let mut sent = 0;
        for n in 0..200_u64 {
            sent += usize::from(
                events.take(Duration::ZERO, Severity::Info, &n.to_string(), Map::new()).is_some(),
            );
        }
        assert_eq!(sent, 20);
        let mut events = Events::default();
        let mut take =
            |minutes| events.take(Duration::from_mins(minutes), Severity::Warn, "again", Map::new());
        assert!(take(0).is_some() && take(1).is_none() && take(2).is_none());
        assert_eq!(take(6).unwrap()["context"]["repeated"], 2);
    }
}
