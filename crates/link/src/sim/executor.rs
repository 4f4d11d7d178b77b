//! The model of the agent's executor: runs commands and batches of them, answers each accepted one, ends those that the host wants
//! no more, replays an answer when the id is asked again.

use infiniservice_protocol::batch::{BatchResult, Outcome};
use infiniservice_protocol::{ErrorCode, GuestMessage, Response};
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
    Answer(Box<GuestMessage>),
}

/// What becomes of a batch.
#[derive(Debug)]
pub enum BatchVerdict {
    /// Its commands run, and end after these times.
    Runs(Vec<(String, Duration)>),
    /// The same answers once more.
    Answers(Vec<GuestMessage>),
    /// One response refuses all of it.
    Refused(Box<GuestMessage>),
}

/// What is remembered of an answer.
#[derive(Clone, Debug)]
enum Known {
    /// Carried out; the size of its output.
    Done(usize),
    /// Ended because the host wanted that.
    Cancelled,
    /// A batch of these commands.
    Batch(Vec<String>),
}

/// The model executor. Every answer it makes carries a number of its own in `execution_time_ms`: one, two, three...
#[derive(Debug, Default)]
pub struct Executor {
    in_flight: BTreeMap<String, usize>,
    /// The commands of each batch in flight.
    batches: BTreeMap<String, Vec<String>>,
    answered: BTreeMap<String, (Duration, Known)>,
    expiry: VecDeque<(Duration, String)>,
    last_tag: u64,
}

impl Executor {
    /// A command was delivered.
    pub fn submit(&mut self, now: Duration, id: &str, rng: &mut fastrand::Rng) -> Verdict {
        self.expire(now);
        let answer = if self.is_flying(id) {
            self.refusal(id, ErrorCode::DuplicateId)
        } else if let Some((_, known)) = self.answered.get(id).cloned() {
            self.replayed(id, &known)
        } else if self.in_flight.len() >= MAX_IN_FLIGHT {
            self.refusal(id, ErrorCode::QueueFull)
        } else {
            self.in_flight.insert(id.to_owned(), size(rng));
            return Verdict::Runs(duration(rng));
        };
        Verdict::Answer(Box::new(GuestMessage::Response(answer)))
    }

    /// A batch was delivered.
    pub fn submit_batch(
        &mut self,
        now: Duration,
        id: &str,
        commands: Vec<String>,
        rng: &mut fastrand::Rng,
    ) -> BatchVerdict {
        self.expire(now);
        let taken = |one: &String| self.is_flying(one) || self.answered.contains_key(one);
        let code = if self.is_flying(id) {
            ErrorCode::DuplicateId
        } else if let Some((_, known)) = self.answered.get(id).cloned() {
            return self.replayed_batch(id, &known);
        } else if commands.iter().any(taken) {
            ErrorCode::DuplicateId
        } else if self.in_flight.len() + commands.len() > MAX_IN_FLIGHT {
            ErrorCode::QueueFull
        } else {
            return self.begin_batch(id, commands, rng);
        };
        BatchVerdict::Refused(Box::new(GuestMessage::Response(self.refusal(id, code))))
    }

    /// One after the other, or beside each other.
    fn begin_batch(&mut self, id: &str, commands: Vec<String>, rng: &mut fastrand::Rng) -> BatchVerdict {
        let sequential = rng.bool();
        let (mut begins, mut times) = (Duration::ZERO, Vec::new());
        for command in &commands {
            let ends = begins + duration(rng);
            begins = if sequential { ends } else { begins };
            self.in_flight.insert(command.clone(), size(rng));
            times.push((command.clone(), ends));
        }
        self.batches.insert(id.to_owned(), commands);
        BatchVerdict::Runs(times)
    }

    /// A command or batch arrived that the link has no room for. The answer has no number: it may overtake others.
    pub fn turn_away(&mut self, now: Duration, id: &str) -> Response {
        self.expire(now);
        let known = self.is_flying(id) || self.answered.contains_key(id);
        let code = if known { ErrorCode::DuplicateId } else { ErrorCode::QueueFull };
        Response::failed(id, "ServiceList", code, "no room in the model")
    }

    /// A command has ended: its answer, and that of a batch of which it was the last.
    pub fn finish(&mut self, now: Duration, id: &str) -> Vec<GuestMessage> {
        let Some(size) = self.in_flight.remove(id) else { return Vec::new() };
        self.settle(now, id, &Known::Done(size))
    }

    /// The host wants no more of a command or a batch: the answers to what is ended, then to the one who wanted that.
    pub fn cancel(&mut self, now: Duration, id: &str, target: &str) -> Vec<GuestMessage> {
        self.expire(now);
        if let Some((_, known)) = self.answered.get(id).cloned() {
            return vec![GuestMessage::Response(self.replayed(id, &known))];
        }
        let targets = self.batches.get(target).cloned().unwrap_or_else(|| vec![target.to_owned()]);
        let mut answers = Vec::new();
        for target in targets {
            if self.in_flight.remove(&target).is_some() {
                answers.extend(self.settle(now, &target, &Known::Cancelled));
            }
        }
        answers.extend(self.settle(now, id, &Known::Done(0)));
        answers
    }

    /// What is answered at once, and the same again.
    pub fn answer_now(&mut self, now: Duration, id: &str) -> GuestMessage {
        self.expire(now);
        let known = self.answered.get(id).map_or(Known::Done(0), |(_, known)| known.clone());
        self.remember(now, id, known.clone());
        GuestMessage::Response(self.replayed(id, &known))
    }

    /// Whether a command has not ended.
    pub fn runs(&self, id: &str) -> bool {
        self.in_flight.contains_key(id)
    }

    /// Whether nothing runs.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.batches.is_empty()
    }

    fn is_flying(&self, id: &str) -> bool {
        self.in_flight.contains_key(id) || self.batches.contains_key(id)
    }

    fn settle(&mut self, now: Duration, id: &str, known: &Known) -> Vec<GuestMessage> {
        self.remember(now, id, known.clone());
        let mut answers = vec![GuestMessage::Response(self.replayed(id, known))];
        let is_last = |commands: &Vec<String>| {
            commands.iter().any(|one| one == id)
                && !commands.iter().any(|one| self.in_flight.contains_key(one))
        };
        let ended =
            self.batches.iter().find(|(_, commands)| is_last(commands)).map(|(batch, _)| batch.clone());
        if let Some(batch) = ended {
            let commands = self.batches.remove(&batch).unwrap_or_default();
            answers.push(self.batch_result(&batch, &commands));
            self.remember(now, &batch, Known::Batch(commands));
        }
        answers
    }

    fn remember(&mut self, now: Duration, id: &str, known: Known) {
        self.answered.insert(id.to_owned(), (now, known));
        self.expiry.push_back((now, id.to_owned()));
    }

    fn replayed(&mut self, id: &str, known: &Known) -> Response {
        let ok = Response::ok(id, "ServiceList", json!({}));
        match known {
            Known::Done(size) => Response { stdout: "o".repeat(*size), execution_time_ms: self.tag(), ..ok },
            Known::Cancelled => self.refusal(id, ErrorCode::Cancelled),
            Known::Batch(_) => self.refusal(id, ErrorCode::DuplicateId),
        }
    }

    fn replayed_batch(&mut self, id: &str, known: &Known) -> BatchVerdict {
        let Known::Batch(commands) = known else {
            let refusal = self.refusal(id, ErrorCode::DuplicateId);
            return BatchVerdict::Refused(Box::new(GuestMessage::Response(refusal)));
        };
        let mut answers = Vec::new();
        for command in commands {
            let answer = match self.answered.get(command).cloned() {
                Some((_, known)) => self.replayed(command, &known),
                None => self.refusal(command, ErrorCode::DuplicateId),
            };
            answers.push(GuestMessage::Response(answer));
        }
        answers.push(self.batch_result(id, commands));
        BatchVerdict::Answers(answers)
    }

    fn batch_result(&mut self, id: &str, commands: &[String]) -> GuestMessage {
        let outcomes =
            commands.iter().map(|one| Outcome { id: one.clone(), success: true, ..Outcome::default() });
        GuestMessage::BatchResult(BatchResult {
            id: id.to_owned(),
            success: true,
            outcomes: outcomes.collect(),
            execution_time_ms: self.tag(),
            ..BatchResult::default()
        })
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
