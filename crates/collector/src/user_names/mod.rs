//! Names of users that passwd(5) does not know: those of directory services, of systemd's dynamic users, of homed.
//!
//! A static program has no NSS, and a directory service that hangs must hang nobody. So whoever wants a name takes what is
//! known at this moment, and what is not known is asked for in the background: of systemd's user database, else of getent(1).
//! Answers count for a time, questions wait; both are bounded.

#[cfg(target_os = "linux")]
mod client;
#[cfg(not(target_os = "linux"))]
#[path = "unsupported.rs"]
mod client;
pub mod parse;

pub use client::spawn;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// What is known of names; cheap to clone, and the same for all clones.
#[derive(Clone, Debug, Default)]
pub struct UserNames {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Cache>,
    wanted: Notify,
}

impl UserNames {
    /// The name of a user id as far as it is known now; what is not known, or long ago, is asked for.
    pub fn name(&self, id: u32) -> Option<String> {
        let (name, wants) = self.known().name(id, Instant::now());
        if wants {
            self.shared.wanted.notify_one();
        }
        name
    }

    /// The ids that are to be asked for, once there are any. Cancel safe.
    async fn wanted(&self) -> Vec<u32> {
        loop {
            let wanted = self.known().take_wanted(Instant::now());
            if !wanted.is_empty() {
                return wanted;
            }
            self.shared.wanted.notified().await;
        }
    }

    /// The answer for an id; `None` where nobody knows it.
    fn learn(&self, id: u32, name: Option<String>) {
        self.known().learn(id, name, Instant::now());
    }

    fn known(&self) -> MutexGuard<'_, Cache> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Equal are those that know the same, always.
impl PartialEq for UserNames {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for UserNames {}

/// How long an answer counts; then it is asked for anew, and told until the new one is there.
const FRESH: Duration = Duration::from_mins(10);
/// Most answers kept. A guest's user can start processes of 65,536 ids of his own (`user_namespaces(7)`).
const MAX_ANSWERS: usize = 4096;
/// Most questions of one round.
const MAX_WANTED: usize = 256;

/// Answers and questions.
#[derive(Debug, Default)]
struct Cache {
    answers: BTreeMap<u32, Answer>,
    wanted: BTreeSet<u32>,
}

#[derive(Debug)]
struct Answer {
    name: Option<Box<str>>,
    had: Instant,
}

impl Answer {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.had) < FRESH
    }
}

impl Cache {
    /// The name as far as it is known, and whether a question more waits since.
    fn name(&mut self, id: u32, now: Instant) -> (Option<String>, bool) {
        let name = self.answers.get(&id).and_then(|answer| answer.name.as_deref()).map(str::to_owned);
        let wants = !self.is_fresh(id, now) && self.wanted.len() < MAX_WANTED && self.wanted.insert(id);
        (name, wants)
    }

    /// Who asks answers each of these by [`Self::learn`]. What was answered since it was wanted is not asked again.
    fn take_wanted(&mut self, now: Instant) -> Vec<u32> {
        let wanted = std::mem::take(&mut self.wanted);
        wanted.into_iter().filter(|id| !self.is_fresh(*id, now)).collect()
    }

    fn is_fresh(&self, id: u32, now: Instant) -> bool {
        self.answers.get(&id).is_some_and(|answer| answer.is_fresh(now))
    }

    fn learn(&mut self, id: u32, name: Option<String>, now: Instant) {
        if self.answers.len() >= MAX_ANSWERS {
            self.answers.retain(|_, answer| answer.is_fresh(now));
        }
        if self.answers.len() < MAX_ANSWERS || self.answers.contains_key(&id) {
            self.answers.insert(id, Answer { name: name.map(Into::into), had: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_wanted_is_told_once_and_what_was_learnt_is_known_to_all_clones() {
        let names = UserNames::default();
        let clone = names.clone();
        assert_eq!((names.name(61_184), clone.name(70_000)), (None, None));
        assert_eq!(names.wanted().await, [61_184, 70_000]);
        names.learn(61_184, Some("dynamic".into()));
        names.learn(70_000, None);
        assert_eq!((clone.name(61_184).as_deref(), clone.name(70_000)), (Some("dynamic"), None));
        assert!(names.known().take_wanted(Instant::now()).is_empty());
    }

    #[test]
    fn an_answer_counts_for_its_time_and_is_told_until_the_next_is_there() {
        let (mut known, begin) = (Cache::default(), Instant::now());
        assert_eq!(known.name(7, begin), (None, true));
        assert_eq!(known.name(7, begin), (None, false), "one question is enough");
        assert_eq!(known.take_wanted(begin), [7]);
        assert_eq!(known.name(7, begin), (None, true), "while it is asked for");
        known.learn(7, Some("lab".into()), begin);
        assert_eq!(known.take_wanted(begin), [0; 0], "the answer came");
        let later = begin + FRESH / 2;
        assert_eq!(known.name(7, later), (Some("lab".into()), false));
        assert_eq!(known.name(7, begin + FRESH), (Some("lab".into()), true));
        known.learn(7, None, begin + FRESH);
        assert_eq!(known.name(7, begin + FRESH), (None, false));
    }

    #[test]
    fn neither_questions_nor_answers_grow_without_bound() {
        let (mut known, begin) = (Cache::default(), Instant::now());
        for id in 0..6_000 {
            known.name(id, begin);
        }
        assert_eq!(known.take_wanted(begin).len(), MAX_WANTED);
        for id in 0..6_000 {
            known.learn(id, None, begin);
        }
        assert_eq!(known.answers.len(), MAX_ANSWERS);
        known.learn(200_000, Some("new".into()), begin + FRESH);
        assert_eq!(known.name(200_000, begin + FRESH).0.as_deref(), Some("new"));
    }
}
