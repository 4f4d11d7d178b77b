//! What a hub does with commands, and what it has to say of them.
//!
//! The hub's own ledger of jobs is what decides: a machine that belongs to one of its jobs of an order is not begun again,
//! whoever sends whatever how often, and is answered from there. So a coordinator need not know what its predecessor sent.

mod local;
mod outbox;
#[cfg(test)]
mod tests;

pub use local::{Local, Part, actor};
pub use outbox::{Key, Outbox};

use crate::message::{Control, TargetResult};
use crate::sign::Opened;
use infiniservice_hub_core::job::{self, Job, Outcome, Request};
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Machines of which the hub remembers that they did not begin. Beyond that no command is taken.
pub const MAX_REMEMBERED: usize = 200_000;
/// Cancelled orders that the hub remembers; the one whose time is over first is forgotten first.
pub const MAX_CANCELLED: usize = 10_000;

/// Whether an order means a machine now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// It does.
    Yes,
    /// It does not, or not any more.
    No,
    /// The hub does not have this machine.
    Absent,
}

/// What a coordinator asks for, of an order.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The wave.
    pub wave: u32,
    /// The machines.
    pub targets: &'a [String],
    /// Whether those that have not begun do not begin any more.
    pub close: bool,
}

/// What is to be done with a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The jobs that are to be taken, or that are to have more machines. If the hub's rules refuse one,
    /// [`HubOrders::refused`] has the results; if one cannot be taken now, the command must not be acknowledged.
    pub jobs: Vec<Begin>,
    /// What can be said at once, perhaps once more.
    pub results: Vec<TargetResult>,
}

/// A job of the hub's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Begin {
    /// Its id. A job that is there already is given these machines, too.
    pub id: String,
    /// Who starts it, by the ledger's name.
    pub actor: String,
    /// What.
    pub request: Request,
    /// Over which machines.
    pub targets: Vec<String>,
    /// Who cancels it, where its machines do not begin: it must be cancelled before it has its turn. That they did not begin is
    /// then in the ledger, and a command that comes again after a restart of the hub does not begin them either.
    pub cancelled_by: Option<String>,
}

/// The hub remembers too much: the command is to come again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_REMEMBERED} machines of orders are remembered, the most; try again later")]
pub struct Busy;

/// How a machine ended that did not begin.
#[derive(Clone, Debug)]
struct Word {
    outcome: Outcome,
    text: String,
    code: Option<String>,
    wave: u32,
    at_ms: u64,
}

/// What a hub remembers of orders beside its ledger.
#[derive(Debug)]
pub struct HubOrders {
    hub: String,
    /// Cancelled orders, until their time is certainly over, and of which operator they must be, where that matters.
    cancelled: BTreeMap<String, (u64, Option<String>)>,
    /// Machines that did not begin, by their orders, until those orders' time is over.
    words: BTreeMap<String, (u64, HashMap<String, Word>)>,
    remembered: usize,
}

impl HubOrders {
    /// Of a hub of this name.
    pub fn new(hub: &str) -> Self {
        Self { hub: hub.to_owned(), cancelled: BTreeMap::new(), words: BTreeMap::new(), remembered: 0 }
    }

    /// What is to be done with a command. `opened` may be an order whose time is over.
    ///
    /// # Errors
    /// Where it must come again later.
    pub fn run(
        &mut self,
        now: Now,
        opened: &Opened,
        asked: Asked<'_>,
        jobs: &job::Planner,
        meant: &dyn Fn(&str) -> Meant,
    ) -> Result<Decision, Busy> {
        self.forget(now);
        if self.remembered.saturating_add(asked.targets.len()) > MAX_REMEMBERED {
            return Err(Busy);
        }
        let order = &opened.order;
        let locals = local::of_order(jobs, &order.id);
        if let Some(other) = locals.iter().find(|(_, job)| !local::is_of(job, opened)) {
            let text = format!("another order has this id: {} of {}", other.1.id(), other.1.accepted.actor);
            let results = asked.targets.iter().map(|vm| self.in_use(now, opened, asked.wave, vm, &text));
            return Ok(Decision { jobs: Vec::new(), results: results.collect() });
        }
        let known = index(&locals);
        let mut decision = Decision::default();
        let mut parts = BTreeMap::<Part, Vec<String>>::new();
        let mut seen = HashSet::new();
        for vm in asked.targets.iter().filter(|vm| seen.insert(vm.as_str())) {
            if let Some((job, n)) = known.get(vm.as_str()) {
                decision.results.extend(local::result(&self.hub, job, *n));
            } else if let Some(result) = self.word(&order.id, vm) {
                decision.results.push(result);
            } else if now.wall_ms() >= order.not_after_ms {
                let text = "the order came to the hub after its time".to_owned();
                self.remember(now, opened, vm, asked.wave, (Outcome::Expired, text, None));
                decision.results.extend(self.word(&order.id, vm));
            } else {
                parts.entry(self.part(opened, asked.close, meant(vm))).or_default().push(vm.clone());
            }
        }
        let begin = |(part, targets): (Part, Vec<String>)| Begin {
            id: Local { order: order.id.clone(), wave: asked.wave, part }.id(),
            actor: actor(&opened.operator),
            request: order.request(now, u32::try_from(targets.len()).unwrap_or(u32::MAX)),
            targets,
            cancelled_by: part.cancelled_by(&opened.operator),
        };
        decision.jobs = parts.into_iter().map(begin).collect();
        Ok(decision)
    }

    /// To which of the order's jobs a machine goes that is in none of them. One that the hub does not have ends as absent there.
    fn part(&self, opened: &Opened, close: bool, meant: Meant) -> Part {
        match meant {
            _ if self.is_cancelled(opened) => Part::Cancelled,
            _ if close => Part::Closed,
            Meant::No => Part::NotMeant,
            Meant::Yes | Meant::Absent => Part::Begins,
        }
    }

    /// The hub's rules, or its bounds for good, forbid what was to begin.
    pub fn refused(
        &mut self,
        now: Now,
        opened: &Opened,
        wave: u32,
        vms: &[String],
        why: &str,
        code: &str,
    ) -> Vec<TargetResult> {
        let said = || (Outcome::Refused, why.to_owned(), Some(code.to_owned()));
        for vm in vms {
            self.remember(now, opened, vm, wave, said());
        }
        vms.iter().filter_map(|vm| self.word(&opened.order.id, vm)).collect()
    }

    fn is_cancelled(&self, opened: &Opened) -> bool {
        let of = self.cancelled.get(&opened.order.id).map(|(_, of)| of.as_ref());
        of.is_some_and(|of| of.is_none_or(|of| *of == opened.operator))
    }

    /// An operator ends an order of his own, of which the hub has no job yet: if it is another's, it goes on.
    pub fn cancel_own(&mut self, control: &Control) {
        if !self.cancelled.contains_key(&control.job) {
            self.cancel_for(control, Some(control.operator.clone()));
        }
    }

    /// An operator who may do so ends an order: the hub's jobs that are to be cancelled. Nothing of it begins any more.
    pub fn cancel(&mut self, control: &Control, jobs: &job::Planner) -> Vec<String> {
        self.cancel_for(control, None);
        let locals = local::of_order(jobs, &control.job);
        locals.into_iter().map(|(_, job)| job.id().to_owned()).collect()
    }

    fn cancel_for(&mut self, control: &Control, of: Option<String>) {
        let until = control.at_ms.saturating_add(job::MAX_NOT_AFTER_SECS * 1000);
        if self.cancelled.len() >= MAX_CANCELLED {
            let first = self.cancelled.iter().min_by_key(|(_, (until, _))| *until);
            let first = first.map(|(order, _)| order.clone()).unwrap_or_default();
            self.cancelled.remove(&first);
        }
        self.cancelled.insert(control.job.clone(), (until, of));
    }

    /// Of an order whose time is over nothing begins anyway.
    fn forget(&mut self, now: Now) {
        let now = now.wall_ms();
        self.cancelled.retain(|_, (until, _)| *until > now);
        self.words.retain(|_, (until, _)| *until > now);
        self.remembered = self.words.values().map(|(_, words)| words.len()).sum();
    }

    fn remember(
        &mut self,
        now: Now,
        opened: &Opened,
        vm: &str,
        wave: u32,
        said: (Outcome, String, Option<String>),
    ) {
        let (outcome, text, code) = said;
        let until = opened.order.not_after_ms.saturating_add(opened.checked.patience_secs * 1000 + KEPT_MS);
        let word = Word { outcome, text, code, wave, at_ms: now.wall_ms() };
        let (_, words) = self.words.entry(opened.order.id.clone()).or_insert_with(|| (until, HashMap::new()));
        words.entry(vm.to_owned()).or_insert(word);
    }

    fn word(&self, order: &str, vm: &str) -> Option<TargetResult> {
        let word = self.words.get(order)?.1.get(vm)?;
        Some(self.result(order, vm, word))
    }

    fn in_use(&self, now: Now, opened: &Opened, wave: u32, vm: &str, text: &str) -> TargetResult {
        let (outcome, code) = (Outcome::Refused, Some("ID_IN_USE".to_owned()));
        let word = Word { outcome, text: text.to_owned(), code, wave, at_ms: now.wall_ms() };
        self.result(&opened.order.id, vm, &word)
    }

    fn result(&self, order: &str, vm: &str, word: &Word) -> TargetResult {
        TargetResult {
            job: order.to_owned(),
            hub: self.hub.clone(),
            vm: vm.to_owned(),
            outcome: word.outcome,
            code: word.code.clone(),
            text: Some(word.text.clone()),
            result: None,
            started_at_ms: None,
            ended_at_ms: word.at_ms,
            wave: word.wave,
            traceparent: None,
            coordinator: None,
        }
    }
}

/// How long what did not begin is remembered after the order's time, in milliseconds: coordinators ask until then.
const KEPT_MS: u64 = 600 * 1000;

/// Where each machine is in the hub's jobs of an order.
fn index<'a>(locals: &[(Local, &'a Job)]) -> HashMap<&'a str, (&'a Job, usize)> {
    let each = |(_, job): &(Local, &'a Job)| {
        let job: &'a Job = job;
        job.targets().iter().enumerate().map(move |(n, target)| (target.name.as_str(), (job, n)))
    };
    locals.iter().flat_map(each).collect()
}
