//! A job with a plan: where each machine stands.

use super::effect::{Effect, Told};
use crate::layout::Layout;
use crate::message::{Order, TargetResult};
use infiniservice_hub_core::job::{Counts, Outcome};
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// When a command is sent again to a hub of which machines are not heard, the first time and at most.
const AGAIN_FIRST: Duration = Duration::from_secs(30);
const AGAIN_MOST: Duration = Duration::from_secs(600);
/// When that is after a hub has come back: its own results come first.
const AGAIN_BACK: Duration = Duration::from_secs(1);

/// Where a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its turn has not come.
    Waiting,
    /// Its hub was told, or may have been told by an earlier coordinator.
    Sent,
    /// Its hub said how it ended.
    Ended(Outcome),
    /// The coordinator says so; if its hub says something after all, that counts.
    Word(Outcome),
}

impl State {
    const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) | Self::Word(outcome) => Some(outcome),
            Self::Waiting | Self::Sent => None,
        }
    }
}

/// One hub of a job.
#[derive(Debug)]
pub(super) struct HubState {
    pub name: String,
    pub gone: bool,
    /// All its machines, in the plan's order.
    pub rows: Vec<u32>,
    /// How many of them are sent.
    pub open: u32,
    /// Those whose turn came while it was gone.
    pub parked: Vec<u32>,
    /// When those that are sent are sent again.
    pub again_at: Duration,
    pub wait: Duration,
}

/// What a plan meets.
pub(super) struct There<'a> {
    /// The hubs that are there.
    pub hubs: &'a BTreeSet<String>,
    /// Whether another coordinator made it.
    pub inherited: bool,
}

/// A job with a plan.
#[derive(Debug)]
pub(super) struct Run {
    pub layout: Layout,
    places: HashMap<String, usize>,
    index: Vec<HashMap<String, u32>>,
    pub states: Vec<State>,
    pub counts: Counts,
    /// How many machines of each wave have not ended.
    pub open: Vec<u32>,
    pub wave: usize,
    /// The first row whose turn has not been looked at.
    pub cursor: usize,
    /// Rows before it whose hub was gone and is back.
    pub again: BTreeSet<u32>,
    pub hubs: Vec<HubState>,
    pub max_concurrency: u32,
    max_failures: Option<u32>,
    /// It has failed too often. That stays so, whatever is heard later.
    pub stopped: bool,
    /// Whether another coordinator may have sent commands that this one does not know of.
    pub inherited: bool,
    /// When more machines may begin: what comes to an end meanwhile makes room for one command instead of many.
    pub send_at: Duration,
    pub batch: u32,
    /// Rows that the plan itself ended, until that is published.
    pub untold: Vec<u32>,
}

impl Run {
    pub(super) fn new(now: Now, order: &Order, layout: Layout, there: &There<'_>) -> Self {
        let all = layout.rows.len();
        let mut run = Self {
            places: layout.hubs.iter().cloned().zip(0..).collect(),
            index: layout.index(),
            states: vec![State::Waiting; all],
            counts: Counts { accepted: count(all), ..Counts::default() },
            open: vec![0; layout.waves.len()],
            wave: 0,
            cursor: 0,
            again: BTreeSet::new(),
            hubs: layout.hubs.iter().map(|hub| HubState::new(hub, there.hubs)).collect(),
            max_concurrency: order.max_concurrency.of(all).max(1),
            max_failures: order.max_failures.map(|share| share.of(all)),
            stopped: false,
            inherited: there.inherited,
            send_at: now.mono,
            batch: 0,
            untold: Vec::new(),
            layout,
        };
        run.fill();
        run
    }

    fn fill(&mut self) {
        for (row, n) in self.layout.rows.iter().zip(0..) {
            if let Some(hub) = self.hubs.get_mut(row.hub as usize) {
                hub.rows.push(n);
            }
            if let Some(open) = self.open.get_mut(row.wave as usize).filter(|_| row.given.is_none()) {
                *open += 1;
            }
        }
        let given = self.layout.rows.iter().zip(0_u32..);
        let given = given.filter_map(|(row, n)| Some((n, row.given.as_ref()?.0)));
        for (n, outcome) in given.collect::<Vec<_>>() {
            *slot(&mut self.counts, State::Waiting) -= 1;
            *slot(&mut self.counts, State::Word(outcome)) += 1;
            if let Some(state) = self.states.get_mut(n as usize) {
                *state = State::Word(outcome);
            }
            self.untold.push(n);
        }
    }

    #[cfg(test)]
    pub(super) fn recount(&self) -> Counts {
        let mut counts = Counts::default();
        self.states.iter().for_each(|state| *slot(&mut counts, *state) += 1);
        counts
    }

    /// A machine stands elsewhere now.
    pub(super) fn set(&mut self, n: u32, to: State) {
        let Some((row, state)) = self.layout.rows.get(n as usize).zip(self.states.get_mut(n as usize)) else {
            return;
        };
        let from = std::mem::replace(state, to);
        *slot(&mut self.counts, from) -= 1;
        *slot(&mut self.counts, to) += 1;
        if let Some(hub) = self.hubs.get_mut(row.hub as usize) {
            hub.open += u32::from(to == State::Sent);
            hub.open -= u32::from(from == State::Sent);
        }
        if let (None, Some(outcome), Some(open)) =
            (from.outcome(), to.outcome(), self.open.get_mut(row.wave as usize))
        {
            *open -= 1;
            // A canary that did not begin has shown nothing.
            let is_canary = self.layout.waves.get(row.wave as usize).is_some_and(|wave| wave.0);
            self.stopped |= is_canary && outcome != Outcome::Answered;
        }
        self.stopped |= self.max_failures.is_some_and(|most| self.counts.failures() > most);
    }

    pub(super) fn result(&mut self, result: &TargetResult, effects: &mut Vec<Effect>) {
        // A coordinator's word is not needed: it follows from what this one knows.
        if !result.is_of_hub() {
            return;
        }
        let place = self.places.get(&result.hub).and_then(|hub| self.index.get(*hub)?.get(&result.vm));
        let (job, hub, vm) = (result.job.clone(), result.hub.clone(), result.vm.clone());
        let Some((n, state)) = place.and_then(|n| Some((*n, *self.states.get(*n as usize)?))) else {
            return effects.push(Effect::Tell(Told::NoTarget { job, hub, vm }));
        };
        match state {
            State::Ended(first) if first == result.outcome => {}
            State::Ended(first) => {
                let second = result.outcome;
                effects.push(Effect::Tell(Told::OtherResult { job, hub, vm, first, second }));
            }
            _ => self.set(n, State::Ended(result.outcome)),
        }
    }

    pub(super) fn hub_back(&mut self, now: Now, hub: &str) {
        let Some(hub) = self.places.get(hub).and_then(|place| self.hubs.get_mut(*place)) else { return };
        hub.gone = false;
        (hub.again_at, hub.wait) = (now.mono + AGAIN_BACK, AGAIN_FIRST);
        self.again.extend(hub.parked.drain(..));
    }

    pub(super) fn hub_gone(&mut self, hub: &str) {
        if let Some(hub) = self.places.get(hub).and_then(|place| self.hubs.get_mut(*place)) {
            hub.gone = true;
        }
    }

    /// When something is to be sent, or sent again.
    pub(super) fn wake(&self) -> Duration {
        let hubs = self.hubs.iter().filter(|hub| hub.open > 0 && !hub.gone);
        let again = hubs.map(|hub| hub.again_at).min().unwrap_or(Duration::MAX);
        let is_room = self.counts.sent < self.max_concurrency;
        let more = self.cursor < self.layout.waves.get(self.wave).map_or(0, |wave| wave.1);
        if is_room && (more || !self.again.is_empty()) { again.min(self.send_at) } else { again }
    }
}

impl HubState {
    fn new(name: &str, there: &BTreeSet<String>) -> Self {
        Self {
            name: name.to_owned(),
            gone: !there.contains(name),
            rows: Vec::new(),
            open: 0,
            parked: Vec::new(),
            again_at: Duration::ZERO,
            wait: AGAIN_FIRST,
        }
    }

    /// Something was sent to it.
    pub(super) fn sent(&mut self, now: Duration) {
        if self.open == 0 {
            self.wait = AGAIN_FIRST;
            self.again_at = now + self.wait;
        }
    }

    /// Whether what is with it is to be sent again now.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let is_due = self.open > 0 && !self.gone && now >= self.again_at;
        if is_due {
            self.again_at = now + self.wait;
            self.wait = self.wait.saturating_mul(2).min(AGAIN_MOST);
        }
        is_due
    }
}

fn slot(counts: &mut Counts, state: State) -> &mut u32 {
    match state {
        State::Waiting => &mut counts.accepted,
        State::Sent => &mut counts.sent,
        State::Ended(outcome) | State::Word(outcome) => match outcome {
            Outcome::Answered => &mut counts.answered,
            Outcome::Refused => &mut counts.refused,
            Outcome::Failed => &mut counts.failed,
            Outcome::Expired => &mut counts.expired,
            Outcome::Unknown => &mut counts.unknown,
            Outcome::Skipped => &mut counts.skipped,
            Outcome::Absent => &mut counts.absent,
        },
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
