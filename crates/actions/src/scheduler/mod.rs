//! Which command may run when: queue, places, ids in flight, shared reads, replay. Pure: told the time, does no I/O.

mod replay_cache;
#[cfg(test)]
mod tests;

use infiniservice_protocol::{Limits, Response};
use replay_cache::{Recall, ReplayCache};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// Names one execution; several ids may wait for the same one.
pub(crate) type ExecutionId = u64;

/// What a command may do beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConcurrencyClass {
    /// Only reads; equal ones in flight share one execution.
    Read,
    /// Changes something.
    Change,
    /// Changes packages: one at a time, as the package manager's lock wants it.
    Packages,
}

/// The scheduler's bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Commands that may wait.
    pub max_queued: usize,
    /// Memory of the commands that wait.
    pub max_queued_bytes: usize,
    /// Commands that run beside each other.
    pub max_concurrent: usize,
    /// How long an answered id is remembered.
    pub replay_window: Duration,
    /// Memory of the answers kept for replay.
    pub replay_max_bytes: usize,
}

/// More than this is not kept for replay, whatever the outbox may hold: most of it is never asked for again.
const REPLAY_MAX_BYTES: usize = 4 << 20;

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            max_queued: limits.max_queued_commands,
            max_queued_bytes: limits.outbox_max_bytes,
            max_concurrent: limits.max_concurrent_commands.max(1),
            replay_window: Duration::from_secs(limits.replay_window_secs),
            replay_max_bytes: limits.outbox_max_bytes.min(REPLAY_MAX_BYTES),
        }
    }
}

impl Bounds {
    /// Ids that can be in flight at once.
    pub(crate) fn in_flight(&self) -> usize {
        self.max_queued + self.max_concurrent
    }

    /// Places that changing commands may take: the rest is kept free, so that hung changes never stop the reading.
    fn for_changes(&self) -> usize {
        self.max_concurrent - if self.max_concurrent > 1 { (self.max_concurrent / 4).max(1) } else { 0 }
    }
}

/// A command that asks to be let in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The host's id.
    pub id: String,
    /// What it may do beside others.
    pub class: ConcurrencyClass,
    /// Equal keys are equal work; only reads have one.
    pub key: Option<String>,
    /// Memory that it takes while it waits.
    pub bytes: usize,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Admission {
    /// A new execution, which waits until [`Scheduler::start_ready`] names it.
    Accepted(ExecutionId),
    /// Shares an execution that is in flight.
    Joined(ExecutionId),
    /// Answered before: the same response once more.
    Replay(Box<Response>),
    /// Not taken.
    Refused(Refusal),
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The id is in flight.
    InFlight,
    /// The id was answered, and its answer is no longer kept or cannot be sent.
    ReplayCache,
    /// No place left to wait.
    QueueFull,
    /// The agent is shutting down.
    Closed,
}

#[derive(Debug)]
struct Execution {
    class: ConcurrencyClass,
    key: Option<String>,
    bytes: usize,
    /// Who waits for it, and since when.
    ids: Vec<(String, Duration)>,
}

/// The executor's books.
#[derive(Debug)]
pub(crate) struct Scheduler {
    bounds: Bounds,
    next: ExecutionId,
    open: bool,
    executions: BTreeMap<ExecutionId, Execution>,
    queue: VecDeque<ExecutionId>,
    /// Those whose turn has not come; each keeps a place in the queue.
    held: BTreeSet<ExecutionId>,
    running: BTreeMap<ExecutionId, ConcurrencyClass>,
    ids: HashMap<String, ExecutionId>,
    keys: HashMap<String, ExecutionId>,
    answered: ReplayCache,
}

impl Scheduler {
    /// Other bounds. What is in the books stays, also beyond them; what has a place keeps it.
    pub(crate) fn set_bounds(&mut self, bounds: Bounds) {
        self.answered.set_bounds(bounds.replay_window, bounds.replay_max_bytes);
        self.bounds = bounds;
    }

    /// Empty books.
    pub(crate) fn new(bounds: Bounds) -> Self {
        let answered = ReplayCache::new(bounds.replay_window, bounds.replay_max_bytes);
        Self {
            bounds,
            next: 0,
            open: true,
            executions: BTreeMap::new(),
            queue: VecDeque::new(),
            held: BTreeSet::new(),
            running: BTreeMap::new(),
            ids: HashMap::new(),
            keys: HashMap::new(),
            answered,
        }
    }

    /// The answer to a repeated id: it never runs again. `None` where the id is new.
    pub(crate) fn repeated(&mut self, now: Duration, id: &str) -> Option<Admission> {
        if self.ids.contains_key(id) {
            return Some(Admission::Refused(Refusal::InFlight));
        }
        match self.answered.recall(now, id) {
            Recall::Unknown => None,
            Recall::Forgotten => Some(Admission::Refused(Refusal::ReplayCache)),
            Recall::Kept(response) => Some(Admission::Replay(response)),
        }
    }

    /// Lets a command in, or says why not.
    pub(crate) fn admit(&mut self, now: Duration, request: Request) -> Admission {
        if let Some(repeated) = self.repeated(now, &request.id) {
            return repeated;
        }
        if !self.open {
            return Admission::Refused(Refusal::Closed);
        }
        if self.ids.len() >= self.bounds.in_flight() {
            return Admission::Refused(Refusal::QueueFull);
        }
        match request.key.as_ref().and_then(|key| self.keys.get(key)).copied() {
            Some(execution) => self.join(execution, request.id, now),
            None if self.has_room(&request) => self.enqueue(request, now),
            None => Admission::Refused(Refusal::QueueFull),
        }
    }

    fn join(&mut self, execution: ExecutionId, id: String, now: Duration) -> Admission {
        if let Some(execution) = self.executions.get_mut(&execution) {
            execution.ids.push((id.clone(), now));
        }
        self.ids.insert(id, execution);
        Admission::Joined(execution)
    }

    fn has_room(&self, request: &Request) -> bool {
        if self.may_start(request.class) {
            return true;
        }
        self.has_places(1, request.bytes)
    }

    fn has_places(&self, commands: usize, bytes: usize) -> bool {
        let waiting: usize = self.queued().map(|e| e.bytes).sum();
        self.queue.len() + self.held.len() + commands <= self.bounds.max_queued
            && waiting + bytes <= self.bounds.max_queued_bytes
    }

    /// Lets in several commands, or none of them. Their ids must be new. They are held until [`Self::release`] and take a place in the
    /// queue each, whether or not others run.
    pub(crate) fn admit_all(
        &mut self,
        now: Duration,
        requests: Vec<Request>,
    ) -> Result<Vec<ExecutionId>, Refusal> {
        if !self.open {
            return Err(Refusal::Closed);
        }
        let bytes = requests.iter().map(|request| request.bytes).sum();
        let ids_fit = self.ids.len() + requests.len() <= self.bounds.in_flight();
        if !ids_fit || !self.has_places(requests.len(), bytes) {
            return Err(Refusal::QueueFull);
        }
        Ok(requests.into_iter().map(|request| self.hold(request, now)).collect())
    }

    fn hold(&mut self, request: Request, now: Duration) -> ExecutionId {
        let execution = self.enter(request, now);
        self.held.insert(execution);
        execution
    }

    /// The turn of one that was held has come.
    pub(crate) fn release(&mut self, execution: ExecutionId) {
        if self.held.remove(&execution) {
            self.queue.push_back(execution);
        }
    }

    /// Whether an execution in flight has not begun.
    pub(crate) fn is_waiting(&self, execution: ExecutionId) -> bool {
        self.executions.contains_key(&execution) && !self.running.contains_key(&execution)
    }

    fn enqueue(&mut self, request: Request, now: Duration) -> Admission {
        let execution = self.enter(request, now);
        self.queue.push_back(execution);
        Admission::Accepted(execution)
    }

    fn enter(&mut self, request: Request, now: Duration) -> ExecutionId {
        let execution = self.next;
        self.next += 1;
        self.ids.insert(request.id.clone(), execution);
        if let Some(key) = &request.key {
            self.keys.insert(key.clone(), execution);
        }
        let Request { id, class, key, bytes } = request;
        self.executions.insert(execution, Execution { class, key, bytes, ids: vec![(id, now)] });
        execution
    }

    /// The executions that may begin now, oldest first; they are running from here on.
    pub(crate) fn start_ready(&mut self) -> Vec<ExecutionId> {
        let mut started = Vec::new();
        let mut waiting = std::mem::take(&mut self.queue);
        waiting.retain(|execution| {
            let class = self.executions.get(execution).map(|e| e.class);
            let starts = class.is_some_and(|class| self.may_start(class));
            if let (true, Some(class)) = (starts, class) {
                self.running.insert(*execution, class);
                started.push(*execution);
            }
            !starts
        });
        self.queue = waiting;
        started
    }

    fn may_start(&self, class: ConcurrencyClass) -> bool {
        let changing = self.running.values().filter(|c| **c != ConcurrencyClass::Read).count();
        let packages = self.running.values().any(|c| *c == ConcurrencyClass::Packages);
        self.running.len() < self.bounds.max_concurrent
            && (class == ConcurrencyClass::Read || changing < self.bounds.for_changes())
            && !(class == ConcurrencyClass::Packages && packages)
    }

    fn queued(&self) -> impl Iterator<Item = &Execution> {
        self.queue.iter().chain(&self.held).filter_map(|execution| self.executions.get(execution))
    }

    /// Ends an execution, begun or not; the ids that wait for its answer.
    pub(crate) fn finish(&mut self, execution: ExecutionId) -> Vec<String> {
        self.queue.retain(|t| *t != execution);
        self.held.remove(&execution);
        self.running.remove(&execution);
        self.unshare(execution);
        let Some(execution) = self.executions.remove(&execution) else { return Vec::new() };
        execution.ids.into_iter().map(|(id, _)| self.forget(id)).collect()
    }

    /// Nobody joins an execution any more: equal work from here on is an execution of its own.
    pub(crate) fn unshare(&mut self, execution: ExecutionId) {
        if let Some(key) = self.executions.get_mut(&execution).and_then(|one| one.key.take()) {
            self.keys.remove(&key);
        }
    }

    /// Leaves an execution whose time is over to those that joined it after `since`: the ids of the others, which are answered now.
    /// Empty where nobody joined it since; then it ends.
    pub(crate) fn leave_to_later(&mut self, execution: ExecutionId, since: Duration) -> Vec<String> {
        let Some(execution) = self.executions.get_mut(&execution).filter(|_| self.open) else {
            return Vec::new();
        };
        if execution.ids.iter().all(|(_, at)| *at <= since) {
            return Vec::new();
        }
        let (early, late) = std::mem::take(&mut execution.ids).into_iter().partition(|(_, at)| *at <= since);
        execution.ids = late;
        let early: Vec<(String, Duration)> = early;
        early.into_iter().map(|(id, _)| self.forget(id)).collect()
    }

    /// The execution that an id waits for, and whether others wait for it too.
    pub(crate) fn execution_of(&self, id: &str) -> Option<(ExecutionId, bool)> {
        let execution = *self.ids.get(id)?;
        Some((execution, self.executions.get(&execution)?.ids.len() > 1))
    }

    /// Takes one of several ids away from an execution; it is answered by itself.
    pub(crate) fn leave(&mut self, execution: ExecutionId, id: &str) {
        if let Some(execution) = self.executions.get_mut(&execution) {
            execution.ids.retain(|(waiting, _)| waiting != id);
        }
        self.ids.remove(id);
    }

    fn forget(&mut self, id: String) -> String {
        self.ids.remove(&id);
        id
    }

    /// Keeps an answer, so that its id does not run again.
    pub(crate) fn remember(&mut self, now: Duration, response: &Response) {
        self.answered.insert(now, response);
    }

    /// Takes no more commands; the executions that still wait, which are to be answered `CANCELLED`.
    pub(crate) fn close(&mut self) -> Vec<ExecutionId> {
        self.open = false;
        self.queue.iter().copied().collect()
    }

    /// Executions in flight, waiting ones included.
    pub(crate) fn in_flight(&self) -> usize {
        self.executions.len()
    }
}
