//! Who asked what: an answer is sealed to the key by which its question was sealed, and what one asked under an id is told to
//! nobody else who uses that id.
//!
//! An id is remembered for at least as long as anything of the agent can still answer to it: while it is in flight, and for the
//! time of the executor's own memory after its answer. Where too many are remembered, no more are taken: forgetting one early
//! might tell its answer in the open.

use infiniservice_protocol::host::BatchCommand;
use infiniservice_protocol::{HostMessage, Limits};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Ids that are remembered, at most; the executor remembers half as many.
const MAX_IDS: usize = 32_768;
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
    asker: Asker,
    /// Questions without an answer so far.
    owed: u32,
    /// When it is forgotten, whatever comes.
    until: Duration,
}

/// The memory of askers. Of those who asked in the open nothing is remembered.
#[derive(Debug)]
pub(super) struct Askers {
    window: Duration,
    longest: Duration,
    ids: HashMap<String, Entry>,
    /// When it is looked next which of them are over.
    sweep: Duration,
    subscriptions: BTreeMap<u64, Option<Asker>>,
    /// Of each `Hello` that was delivered and is not answered.
    hellos: VecDeque<Option<Asker>>,
}

impl Askers {
    pub(super) fn new(limits: &Limits) -> Self {
        let window = Duration::from_secs(limits.replay_window_secs) + GRACE;
        let longest = Duration::from_secs(limits.max_command_timeout_secs.saturating_mul(2)) + GRACE;
        Self {
            window,
            longest,
            ids: HashMap::new(),
            sweep: Duration::ZERO,
            subscriptions: BTreeMap::new(),
            hellos: VecDeque::new(),
        }
    }

    /// Takes note of who asks this.
    pub(super) fn note(
        &mut self,
        now: Duration,
        message: &HostMessage,
        asker: Option<&Asker>,
    ) -> Result<(), NotTaken> {
        self.forget(now);
        let ids = ids(message);
        let others = |entry: &Entry| Some(&entry.asker.kid) != asker.map(|asker| &asker.kid);
        if ids.iter().any(|id| self.ids.get(*id).is_some_and(others)) {
            return Err(NotTaken::OfAnother);
        }
        if matches!(message.untraced(), HostMessage::Hello { .. }) {
            self.hellos.push_back(asker.cloned());
        }
        let Some(asker) = asker else { return Ok(()) };
        if self.ids.len() + ids.len() > MAX_IDS {
            return Err(NotTaken::Full);
        }
        for id in ids {
            self.ask(now, id, asker);
        }
        Ok(())
    }

    fn ask(&mut self, now: Duration, id: &str, asker: &Asker) {
        let until = now + self.longest + self.window;
        let fresh = || Entry { asker: asker.clone(), owed: 0, until };
        let entry = self.ids.entry(id.to_owned()).or_insert_with(fresh);
        (entry.owed, entry.until) = (entry.owed.saturating_add(1), until);
        entry.asker.routed = asker.routed;
    }

    /// Who asked under this id.
    pub(super) fn of(&self, id: &str) -> Option<Asker> {
        self.ids.get(id).map(|entry| entry.asker.clone())
    }

    /// One of the questions under this id is answered.
    pub(super) fn answered(&mut self, now: Duration, id: &str) {
        let Some(entry) = self.ids.get_mut(id) else { return };
        entry.owed = entry.owed.saturating_sub(1);
        if entry.owed == 0 {
            entry.until = now + self.window;
        }
    }

    /// The stream of this number was opened, or prolonged, by who asked under this id. The first one gets it.
    pub(super) fn subscribed(&mut self, subscription: u64, id: &str) {
        let asker = self.of(id);
        self.subscriptions.entry(subscription).or_insert(asker);
        while self.subscriptions.len() > MAX_SUBSCRIPTIONS {
            self.subscriptions.pop_first();
        }
    }

    /// Who gets the samples of this stream.
    pub(super) fn of_subscription(&self, subscription: u64) -> Option<Asker> {
        self.subscriptions.get(&subscription).cloned().flatten()
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
        if now >= self.sweep {
            self.ids.retain(|_, entry| entry.until > now);
            self.sweep = now + Duration::from_secs(1);
        }
    }
}

/// The ids to which a message is answered.
fn ids(message: &HostMessage) -> Vec<&str> {
    match message.untraced() {
        HostMessage::Batch(batch) => {
            let of_commands = batch.commands.iter().map(BatchCommand::id);
            std::iter::once(batch.id.as_str()).chain(of_commands).collect()
        }
        other => id_of(other).into_iter().collect(),
    }
}

/// The id of a message itself.
pub(super) fn id_of(message: &HostMessage) -> Option<&str> {
    match message.untraced() {
        HostMessage::Metrics { id } | HostMessage::Hello { id, .. } => id.as_deref(),
        HostMessage::SafeCommand(command) => Some(&command.id),
        HostMessage::UnsafeCommand(command) => Some(&command.id),
        HostMessage::Cancel { id, .. } => Some(id),
        HostMessage::Batch(batch) => Some(&batch.id),
        HostMessage::Subscribe(request) => Some(&request.id),
        HostMessage::Unsubscribe(request) => Some(&request.id),
        HostMessage::Traced(_)
        | HostMessage::ZReset
        | HostMessage::KeepAliveResponse { .. }
        | HostMessage::KeepAliveRequest { .. } => None,
    }
}

#[cfg(test)]
#[path = "askers_tests.rs"]
mod tests;
