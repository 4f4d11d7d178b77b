//! A simulated guest, which counts itself how often it has carried out what.

use super::rng::Rng;
use infiniservice_hub_core::job::Reply;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long it remembers what it has answered.
pub const WINDOW: Duration = Duration::from_secs(600);

#[derive(Default)]
pub struct Guest {
    pub instance: u32,
    pub connection: Option<u64>,
    pub away_until: u64,
    /// Which process said hello on the connection.
    pub introduced: u32,
    pub heard_before: Option<Duration>,
    pub heard: Option<Duration>,
    /// Ids on their way to it, and what it is to end.
    pub incoming: VecDeque<(String, Option<String>)>,
    pub outgoing: Vec<Reply>,
    outbox: Vec<Reply>,
    running: BTreeMap<String, Duration>,
    answered: BTreeMap<String, (Duration, Reply)>,
    /// How often it began each order, by all its processes.
    pub executed: BTreeMap<String, u32>,
}

impl Guest {
    pub fn disconnect(&mut self) {
        self.connection = None;
        self.incoming.clear();
        self.outgoing.clear();
    }

    /// Its agent is started anew.
    pub fn restart(&mut self) {
        self.instance += 1;
        self.incoming.clear();
        self.outbox.clear();
        self.running.clear();
        self.answered.clear();
    }

    pub fn is_idle(&self) -> bool {
        self.incoming.is_empty()
            && self.outgoing.is_empty()
            && self.outbox.is_empty()
            && self.running.is_empty()
    }

    pub fn step(&mut self, now: Duration, rng: &mut Rng) {
        while let Some((id, target)) = self.incoming.pop_front() {
            match target {
                Some(target) => self.cancel(now, id, &target),
                None => self.begin(now, id, rng),
            }
        }
        let due: Vec<_> =
            self.running.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in due {
            self.running.remove(&id);
            let code = rng.one_in(8).then_some("EXECUTION_FAILED");
            self.answer(now, id, code);
        }
        self.answered.retain(|_, (at, _)| now.saturating_sub(*at) < WINDOW);
        if self.connection.is_some() {
            self.outgoing.append(&mut self.outbox);
        }
    }

    fn begin(&mut self, now: Duration, id: String, rng: &mut Rng) {
        if self.running.contains_key(&id) {
            return self.outbox.push(reply(id, Some("DUPLICATE_ID"), None));
        }
        if let Some((_, answer)) = self.answered.get(&id) {
            return self.outbox.push(answer.clone());
        }
        if rng.one_in(10) {
            return self.outbox.push(reply(id, Some("QUEUE_FULL"), None));
        }
        let order = id.split_once('.').map_or("", |(order, _)| order).to_owned();
        *self.executed.entry(order).or_default() += 1;
        let takes = if rng.one_in(40) { rng.below(7000) } else { rng.below(30) };
        self.running.insert(id, now + Duration::from_secs(takes));
    }

    fn cancel(&mut self, now: Duration, id: String, target: &str) {
        let outcome = if self.running.remove(target).is_some() {
            self.answer(now, target.to_owned(), Some("CANCELLED"));
            "cancelled"
        } else if self.answered.contains_key(target) {
            "already_answered"
        } else {
            "not_found"
        };
        let code = (outcome == "not_found").then_some("NOT_FOUND");
        self.outbox.push(reply(id, code, Some(outcome)));
    }

    fn answer(&mut self, now: Duration, id: String, code: Option<&str>) {
        let answer = reply(id.clone(), code, None);
        self.answered.insert(id, (now, answer.clone()));
        self.outbox.push(answer);
    }
}

fn reply(id: String, code: Option<&str>, cancel: Option<&str>) -> Reply {
    Reply {
        id,
        code: code.map(str::to_owned),
        text: None,
        already_answered: false,
        cancel: cancel.map(str::to_owned),
        result: String::new(),
    }
}
