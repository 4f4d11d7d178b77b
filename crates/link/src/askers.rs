//! Who asked what: an answer is sealed to the key by which its question was sealed, and what one asked under an id is told to
//! nobody else who uses that id.
//!
//! An id is remembered for at least as long as anything of the agent can still answer to it: while it is in flight, and for the
//! time of the executor's own memory after its answer. Where too many are remembered, no more are taken: forgetting one early
//! might tell its answer in the open.

use infiniservice_protocol::{HostMessage, Limits};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Ids that are remembered, at most; the executor remembers half as many.
const MAX_IDS: usize = 32_768;
/// Of these, ids that were asked under in the open: they leave room for those that were sealed.
const MAX_OPEN: usize = MAX_IDS / 2;
/// Subscriptions whose askers are remembered; twice as many as there are at one time.
const MAX_SUBSCRIPTIONS: usize = 16;
/// Beyond twice a command's longest time: what its end and its answer take.
const GRACE: Duration = Duration::from_mins(2);

/// Who sealed a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    /// The controller's key.
    pub(super) kid: Arc<str>,
    /// Whether the id stood in the open: then it stands so beside the answer, too.
    pub(super) routed: bool,
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// Somebody else uses the id.
    OfAnother,
    /// Too many are remembered.
    Full,
}

#[derive(Debug)]
struct Entry {
    /// `None` for who asked in the open: the answer is that to what everybody could read, and must not become one that is
    /// sealed to who uses the id later.
    asker: Option<Asker>,
    /// Questions without an answer so far.
    owed: u32,
    /// When the last of them came or was answered.
    since: Duration,
}

/// The memory of askers.
#[derive(Debug)]
pub(super) struct Askers {
    window: Duration,
    longest: Duration,
    ids: HashMap<String, Entry>,
    /// Of these, those that were asked under in the open.
    open: usize,
    /// When it is looked next which of them are over.
    sweep: Duration,
    /// Those that were opened or prolonged last come last.
    subscriptions: VecDeque<(u64, Option<Asker>)>,
    /// Of each `Hello` that was delivered and is not answered.
    hellos: VecDeque<Option<Asker>>,
}

impl Askers {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut askers = Self {
            window: Duration::ZERO,
            longest: Duration::ZERO,
            ids: HashMap::new(),
            open: 0,
            sweep: Duration::ZERO,
            subscriptions: VecDeque::new(),
            hellos: VecDeque::new(),
        };
        askers.set_limits(limits);
        askers
    }

    /// Takes over other limits. What runs keeps its longest time, and what was answered is repeated as long as it was to be: neither
    /// ever becomes shorter.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        let window = Duration::from_secs(limits.replay_window_secs) + GRACE;
        let longest = Duration::from_secs(limits.max_command_timeout_secs.saturating_mul(2)) + GRACE;
        (self.window, self.longest) = (self.window.max(window), self.longest.max(longest));
    }

    /// Takes note of who asks this.
    pub(super) fn note(
        &mut self,
        now: Duration,
        message: &HostMessage,
        asker: Option<&Asker>,
    ) -> Result<(), NotTaken> {
        self.forget(now);
        let ids = message.answered_ids();
        let kid = |asker: Option<&Asker>| asker.map(|asker| Arc::clone(&asker.kid));
        let others = |entry: &Entry| kid(entry.asker.as_ref()) != kid(asker);
        if ids.iter().any(|id| self.ids.get(*id).is_some_and(others)) {
            return Err(NotTaken::OfAnother);
        }
        if !self.has_room(&ids, asker.is_none()) {
            return Err(NotTaken::Full);
        }
        if matches!(message.untraced(), HostMessage::Hello { .. }) {
            self.hellos.push_back(asker.cloned());
        }
        for id in ids {
            self.ask(now, id, asker);
        }
        Ok(())
    }

    fn has_room(&self, ids: &[&str], is_open: bool) -> bool {
        let new = ids.iter().filter(|id| !self.ids.contains_key(**id)).count();
        self.ids.len() + new <= MAX_IDS && (!is_open || self.open + new <= MAX_OPEN)
    }

    fn ask(&mut self, now: Duration, id: &str, asker: Option<&Asker>) {
        let entry = self.ids.entry(id.to_owned()).or_insert_with(|| {
            self.open += usize::from(asker.is_none());
            Entry { asker: asker.cloned(), owed: 0, since: now }
        });
        (entry.owed, entry.since) = (entry.owed.saturating_add(1), now);
        entry.asker = asker.cloned();
    }

    /// Who sealed what was asked under this id.
    pub(super) fn of(&self, id: &str) -> Option<Asker> {
        self.ids.get(id).and_then(|entry| entry.asker.clone())
    }

    /// One of the questions under this id is answered.
    pub(super) fn answered(&mut self, now: Duration, id: &str) {
        let Some(entry) = self.ids.get_mut(id) else { return };
        (entry.owed, entry.since) = (entry.owed.saturating_sub(1), now);
    }

    /// The stream of this number was opened, or prolonged, by who asked under this id. The first one gets it.
    pub(super) fn subscribed(&mut self, subscription: u64, id: &str) {
        let known = self.subscriptions.iter().position(|(number, _)| *number == subscription);
        let known = known.and_then(|at| self.subscriptions.remove(at));
        let entry = known.unwrap_or_else(|| (subscription, self.of(id)));
        self.subscriptions.push_back(entry);
        if self.subscriptions.len() > MAX_SUBSCRIPTIONS {
            self.subscriptions.pop_front();
        }
    }

    /// Whose this stream is: `Some(None)` for one that was asked for in the open, `None` where nothing is known of it.
    #[allow(clippy::option_option, reason = "a stream of nobody's is not one of everybody's")]
    pub(super) fn of_subscription(&self, subscription: u64) -> Option<Option<Asker>> {
        let mut known = self.subscriptions.iter();
        known.find(|(number, _)| *number == subscription).map(|(_, asker)| asker.clone())
    }

    /// Who gets the next `hello`.
    pub(super) fn of_hello(&mut self) -> Option<Asker> {
        self.hellos.pop_front().flatten()
    }

    /// The host went, and its streams with it.
    pub(super) fn disconnect(&mut self) {
        self.subscriptions.clear();
    }

    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.ids.keys().map(|id| id.len() + size_of::<Entry>()).sum()
    }

    /// Once a second: a flood of questions must not cost a look at all of them each.
    fn forget(&mut self, now: Duration) {
        if now < self.sweep {
            return;
        }
        let (window, longest) = (self.window, self.longest);
        // A machine that was suspended lets commands run longer than they may: what is owed is kept while there is room.
        let crowded = self.ids.len() > MAX_OPEN;
        self.ids.retain(|_, entry| match (&entry.asker, entry.owed) {
            (_, 0) => entry.since + window > now,
            (Some(_), _) if !crowded => true,
            _ => entry.since + longest + window > now,
        });
        self.open = self.ids.values().filter(|entry| entry.asker.is_none()).count();
        self.sweep = now + Duration::from_secs(1);
    }
}

#[cfg(test)]
#[path = "askers_tests.rs"]
mod tests;
