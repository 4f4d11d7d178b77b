//! A simulated guest: an agent that keeps the wire's promises, and whose process, queue and connection fail.

use super::rng::Rng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long it remembers what it has answered.
pub const WINDOW: Duration = Duration::from_mins(10);

/// One machine.
#[derive(Default)]
pub struct Guest {
    /// Which process of the agent.
    pub instance: u32,
    /// The number of the connection, while there is one.
    pub connection: Option<u64>,
    /// It cannot be connected before.
    pub away_until: Duration,
    /// Whether its configuration forbids everything.
    pub blocks: bool,
    /// Lines under way to it, and from it: lost with the connection.
    pub incoming: VecDeque<String>,
    pub outgoing: VecDeque<String>,
    /// Which process said hello on the connection.
    pub introduced: u32,
    /// When it was last heard before the connection.
    pub heard_before: Option<Duration>,
    /// When it was last heard, on any connection.
    pub heard: Option<Duration>,
    pub outbox: VecDeque<String>,
    pub running: BTreeMap<String, Duration>,
    pub answered: BTreeMap<String, (Duration, String)>,
    /// How often each id was carried out, by all its processes.
    pub executed: BTreeMap<String, u32>,
}

impl Guest {
    pub fn disconnect(&mut self) {
        self.connection = None;
        self.incoming.clear();
        self.outgoing.clear();
    }

    /// The agent is started anew. The connection is QEMU's, and may outlive it.
    pub fn restart(&mut self) {
        self.instance += 1;
        self.incoming.clear();
        self.outbox.clear();
        self.running.clear();
        self.answered.clear();
    }

    /// Reads what has come, ends what is done, and sends what waits.
    pub fn step(&mut self, now: Duration, rng: &mut Rng) {
        self.answered.retain(|_, (at, _)| now.saturating_sub(*at) < WINDOW);
        while let Some(line) = self.incoming.pop_front() {
            self.read(now, &line, rng);
        }
        let done: Vec<_> =
            self.running.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in done {
            self.running.remove(&id);
            let code = if rng.one_in(8) { Some("EXECUTION_FAILED") } else { None };
            self.answer(now, &id, code);
        }
        if self.connection.is_some() {
            self.outgoing.append(&mut self.outbox);
        }
    }

    fn read(&mut self, now: Duration, line: &str, rng: &mut Rng) {
        let line: Value = serde_json::from_str(line).unwrap();
        let id = line["id"].as_str().unwrap().to_owned();
        if let Some(target) = line["target"].as_str() {
            return self.cancel(now, &id, target);
        }
        let twice =
            |answered| json!({"id": id, "success": false, "error_code": "DUPLICATE_ID", "data": answered});
        if self.running.contains_key(&id) {
            self.outbox.push_back(twice(json!({})).to_string());
        } else if let Some((_, answer)) = self.answered.get(&id) {
            let lost = rng.one_in(10);
            let again =
                if lost { twice(json!({"already_answered": true})).to_string() } else { answer.clone() };
            self.outbox.push_back(again);
        } else if self.blocks {
            self.answer(now, &id, Some("ACTION_BLOCKED"));
        } else if rng.one_in(6) {
            self.outbox
                .push_back(json!({"id": id, "success": false, "error_code": "QUEUE_FULL"}).to_string());
        } else {
            *self.executed.entry(id.clone()).or_default() += 1;
            let takes = if rng.one_in(10) { rng.below(7000) } else { rng.below(20) };
            self.running.insert(id, now + Duration::from_secs(takes));
        }
    }

    fn cancel(&mut self, now: Duration, id: &str, target: &str) {
        let outcome = if self.running.remove(target).is_some() {
            self.answer(now, target, Some("CANCELLED"));
            "cancelled"
        } else if self.answered.contains_key(target) {
            "already_answered"
        } else {
            "not_found"
        };
        let success = outcome != "not_found";
        let code = (!success).then_some("NOT_FOUND");
        let answer = json!({"id": id, "success": success, "error_code": code, "data": {"outcome": outcome}});
        self.outbox.push_back(answer.to_string());
    }

    fn answer(&mut self, now: Duration, id: &str, code: Option<&str>) {
        let answer = json!({"id": id, "success": code.is_none(), "error_code": code}).to_string();
        self.answered.insert(id.to_owned(), (now, answer.clone()));
        self.outbox.push_back(answer);
    }
}
