//! A machine's name, and the hubs that tell of it: the last one heard has the machine, as it moves from host to host.
//!
//! Where two hubs go on telling figures of one name, these are two machines, and both are told.

use std::sync::Arc;
use std::time::Duration;

/// How long a move may take, in which both hosts may tell of the machine.
const MOVE: Duration = Duration::from_secs(30);
/// Machines that move go there and back; those that go there and back once more are two.
const TURNS: u32 = 3;
/// When no other hub was heard for so long, there is one machine again.
const OVER: Duration = Duration::from_secs(300);

/// The hubs of a name.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) hubs: Vec<Arc<str>>,
    /// Which of them told the last line.
    last: Option<Arc<str>>,
    /// How often another one did than before, in a row without a pause; when first, and when last.
    turns: u32,
    first: Duration,
    turned: Duration,
}

impl Place {
    /// A hub tells of it.
    pub(super) fn add(&mut self, hub: &Arc<str>) {
        if !self.hubs.contains(hub) {
            self.hubs.push(Arc::clone(hub));
        }
    }

    /// A hub has told a line.
    pub(super) fn heard(&mut self, now: Duration, hub: &Arc<str>) {
        if self.last.as_ref() == Some(hub) {
            return;
        }
        let is_first = self.last.replace(Arc::clone(hub)).is_none();
        if is_first {
            return;
        }
        if self.turns == 0 || now.saturating_sub(self.turned) >= OVER {
            (self.turns, self.first) = (0, now);
        }
        self.turns += 1;
        self.turned = now;
    }

    /// A hub has it no more.
    pub(super) fn remove(&mut self, hub: &str) {
        self.hubs.retain(|it| &**it != hub);
        if self.hubs.len() < 2 {
            self.turns = 0;
        }
    }

    /// Whether several machines have this name.
    pub(super) fn is_contested(&self, now: Duration) -> bool {
        self.hubs.len() > 1
            && self.turns > TURNS
            && self.turned.saturating_sub(self.first) >= MOVE
            && now.saturating_sub(self.turned) < OVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(told: &[(u64, &str)]) -> Place {
        let mut place = Place::default();
        for (second, hub) in told {
            let hub: Arc<str> = (*hub).into();
            place.add(&hub);
            place.heard(Duration::from_secs(*second), &hub);
        }
        place
    }

    #[test]
    fn a_machine_that_goes_there_and_back_is_one() {
        let place = place(&[(0, "a"), (30, "a"), (50, "b"), (55, "a"), (80, "b"), (110, "b")]);
        assert!(!place.is_contested(Duration::from_secs(110)));
    }

    #[test]
    fn two_that_speak_in_turn_are_two_until_one_is_silent_or_gone() {
        let told: Vec<_> = (0..10).map(|n| (n * 15, if n % 2 == 0 { "a" } else { "b" })).collect();
        let mut place = place(&told);
        assert!(place.is_contested(Duration::from_secs(140)));
        assert!(!place.is_contested(Duration::from_secs(135) + OVER));
        place.remove("a");
        assert!(!place.is_contested(Duration::from_secs(140)) && place.hubs == ["b".into()]);
    }

    #[test]
    fn many_turns_within_one_move_are_one_machine() {
        let told: Vec<_> = (0..20).map(|n| (n, if n % 2 == 0 { "a" } else { "b" })).collect();
        assert!(!place(&told).is_contested(Duration::from_secs(20)));
    }
}
