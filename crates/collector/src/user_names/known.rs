//! The answers that were had, each for a time, and the questions that wait: both bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long an answer counts; then it is asked for anew, and told until the new one is there.
const FRESH: Duration = Duration::from_mins(10);
/// Most answers kept. A guest's user can start processes of 65,536 ids of his own (`user_namespaces(7)`).
const MAX_ANSWERS: usize = 4096;
/// Most questions of one round.
const MAX_WANTED: usize = 256;

/// Answers and questions.
#[derive(Debug, Default)]
pub(super) struct Known {
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

impl Known {
    /// The name as far as it is known, and whether a question more waits since.
    pub(super) fn name(&mut self, id: u32, now: Instant) -> (Option<String>, bool) {
        let name = self.answers.get(&id).and_then(|answer| answer.name.as_deref()).map(str::to_owned);
        let wants = !self.is_fresh(id, now) && self.wanted.len() < MAX_WANTED && self.wanted.insert(id);
        (name, wants)
    }

    /// Who asks answers each of these by [`Self::learn`]. What was answered since it was wanted is not asked again.
    pub(super) fn take_wanted(&mut self, now: Instant) -> Vec<u32> {
        let wanted = std::mem::take(&mut self.wanted);
        wanted.into_iter().filter(|id| !self.is_fresh(*id, now)).collect()
    }

    fn is_fresh(&self, id: u32, now: Instant) -> bool {
        self.answers.get(&id).is_some_and(|answer| answer.is_fresh(now))
    }

    pub(super) fn learn(&mut self, id: u32, name: Option<String>, now: Instant) {
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

    #[test]
    fn an_answer_counts_for_its_time_and_is_told_until_the_next_is_there() {
        let (mut known, begin) = (Known::default(), Instant::now());
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
        let (mut known, begin) = (Known::default(), Instant::now());
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
