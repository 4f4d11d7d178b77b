//! The model of the agent's executor: runs commands, answers each accepted one, replays an answer when the id is asked again.

use infiniservice_protocol::{ErrorCode, Response};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long an answer is remembered.
const REPLAY: Duration = Duration::from_secs(600);
/// Commands in flight before it refuses.
const MAX_IN_FLIGHT: usize = 72;

/// What becomes of a command.
#[derive(Debug)]
pub enum Verdict {
    /// It runs, and ends after this time.
    Runs(Duration),
    /// It is answered at once.
    Answer(Box<Response>),
}

/// The model executor. Every response it makes carries a number of its own in `execution_time_ms`: one, two, three...
#[derive(Debug, Default)]
pub struct Executor {
    in_flight: BTreeMap<String, usize>,
    answered: BTreeMap<String, (Duration, usize)>,
    expiry: VecDeque<(Duration, String)>,
    last_tag: u64,
}

impl Executor {
    /// A command was delivered.
    pub fn submit(&mut self, now: Duration, id: &str, rng: &mut fastrand::Rng) -> Verdict {
        self.expire(now);
        if self.in_flight.contains_key(id) {
            return Verdict::Answer(Box::new(self.refusal(id, ErrorCode::DuplicateId)));
        }
        if let Some((_, size)) = self.answered.get(id).copied() {
            return Verdict::Answer(Box::new(self.response(id, size)));
        }
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            return Verdict::Answer(Box::new(self.refusal(id, ErrorCode::QueueFull)));
        }
        self.in_flight.insert(id.to_owned(), size(rng));
        Verdict::Runs(duration(rng))
    }

    /// A command arrived that the link has no room for. The answer has no number: it may overtake others.
    pub fn turn_away(&mut self, now: Duration, id: &str) -> Response {
        self.expire(now);
        let known = self.in_flight.contains_key(id) || self.answered.contains_key(id);
        let code = if known { ErrorCode::DuplicateId } else { ErrorCode::QueueFull };
        Response::failed(id, "ServiceList", code, "no room in the model")
    }

    /// A command has ended: its answer.
    pub fn finish(&mut self, now: Duration, id: &str) -> Option<Response> {
        let size = self.in_flight.remove(id)?;
        self.answered.insert(id.to_owned(), (now, size));
        self.expiry.push_back((now, id.to_owned()));
        Some(self.response(id, size))
    }

    /// Whether nothing runs.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The number of the newest response.
    pub fn last_tag(&self) -> u64 {
        self.last_tag
    }

    fn response(&mut self, id: &str, size: usize) -> Response {
        let ok = Response::ok(id, "ServiceList", json!({}));
        Response { stdout: "o".repeat(size), execution_time_ms: self.tag(), ..ok }
    }

    fn refusal(&mut self, id: &str, code: ErrorCode) -> Response {
        let refused = Response::failed(id, "ServiceList", code, "refused by the model");
        Response { execution_time_ms: self.tag(), ..refused }
    }

    fn tag(&mut self) -> u64 {
        self.last_tag += 1;
        self.last_tag
    }

    fn expire(&mut self, now: Duration) {
        while self.expiry.front().is_some_and(|(at, _)| *at + REPLAY < now) {
            if let Some((at, id)) = self.expiry.pop_front()
                && self.answered.get(&id).is_some_and(|(newest, _)| *newest == at)
            {
                self.answered.remove(&id);
            }
        }
    }
}

fn size(rng: &mut fastrand::Rng) -> usize {
    match rng.u32(..100) {
        0..85 => rng.usize(..300),
        85..99 => rng.usize(..20_000),
        _ => rng.usize(..150_000),
    }
}

fn duration(rng: &mut fastrand::Rng) -> Duration {
    match rng.u32(..100) {
        0..70 => Duration::from_millis(rng.u64(1..500)),
        70..97 => Duration::from_millis(rng.u64(500..30_000)),
        _ => Duration::from_secs(rng.u64(30..300)),
    }
}
