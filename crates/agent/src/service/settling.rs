//! When the configuration is to be read again: requests and changes of its files come in bursts, and a burst is one. Pure: it is
//! given the time.

use std::time::Duration;

/// Requests are waited for until none came for this long,
const ASKED_SETTLES: Duration = Duration::from_millis(200);
/// but no longer than this.
const ASKED_WITHIN: Duration = Duration::from_secs(2);
/// Changes of files are waited for until none came for this long: editors, and tools that copy, write more than once,
const CHANGED_SETTLES: Duration = Duration::from_secs(1);
/// but no longer than this.
const CHANGED_WITHIN: Duration = Duration::from_secs(10);

/// Why it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody asked for it, and waits for the outcome.
    Asked,
    /// A file changed.
    Changed,
}

/// One burst.
#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Duration,
    due: Duration,
}

/// The bursts that have not settled.
#[derive(Debug, Default)]
pub(super) struct Settling {
    asked: Option<Burst>,
    changed: Option<Burst>,
}

impl Settling {
    /// Somebody asks; whether it is the first of a burst.
    pub(super) fn ask(&mut self, now: Duration) -> bool {
        let begins = self.asked.is_none();
        self.asked = Some(prolonged(self.asked, now, ASKED_SETTLES, ASKED_WITHIN));
        begins
    }

    /// A file changed.
    pub(super) fn change(&mut self, now: Duration) {
        self.changed = Some(prolonged(self.changed, now, CHANGED_SETTLES, CHANGED_WITHIN));
    }

    /// Changes are not waited for any more.
    pub(super) fn forget_changes(&mut self) {
        self.changed = None;
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Option<Duration> {
        [self.asked, self.changed].into_iter().flatten().map(|burst| burst.due).min()
    }

    /// The burst that has settled. What changes while somebody asks is still looked at later: it may not be whole now.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Cause> {
        let is_due = |burst: &mut Burst| now >= burst.due;
        if self.asked.take_if(is_due).is_some() {
            return Some(Cause::Asked);
        }
        self.changed.take_if(is_due).map(|_| Cause::Changed)
    }
}

fn prolonged(burst: Option<Burst>, now: Duration, settles: Duration, within: Duration) -> Burst {
    let first = burst.map_or(now, |burst| burst.first);
    Burst { first, due: (now + settles).min(first + within) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The times, in milliseconds, at which the configuration is read while files change at these.
    fn read_at(changes: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let (mut settling, mut reads) = (Settling::default(), Vec::new());
        let mut serve = |settling: &mut Settling, until: Duration| {
            while let Some(due) = settling.deadline().filter(|due| *due <= until) {
                assert_eq!(settling.take_due(due), Some(Cause::Changed));
                reads.push(u64::try_from(due.as_millis()).expect("short"));
            }
        };
        for at in changes {
            serve(&mut settling, ms(at));
            settling.change(ms(at));
        }
        serve(&mut settling, Duration::MAX);
        reads
    }

    #[test]
    fn changes_within_a_second_are_one_and_it_is_read_a_second_after_the_last() {
        assert_eq!(read_at([0, 300, 900]), [1900]);
        assert_eq!(read_at([0, 1500]), [1000, 2500]);
    }

    #[test]
    fn changes_without_end_are_read_every_ten_seconds() {
        assert_eq!(read_at((0..25_000).step_by(100)), [10_000, 20_000, 25_900]);
    }

    #[test]
    fn a_burst_of_requests_is_one_and_is_sooner_than_a_change() {
        let mut settling = Settling::default();
        settling.change(ms(0));
        assert!(settling.ask(ms(100)) && !settling.ask(ms(200)));
        assert_eq!(settling.take_due(ms(399)), None);
        assert_eq!(settling.take_due(ms(400)), Some(Cause::Asked));
        assert_eq!(settling.deadline(), Some(ms(1000)), "the file may not have been whole");
        assert_eq!(settling.take_due(ms(1000)), Some(Cause::Changed));
        assert_eq!(settling.deadline(), None);
    }

    #[test]
    fn requests_without_end_are_served_all_the_same() {
        let mut settling = Settling::default();
        for at in (0..3000).step_by(100) {
            settling.ask(ms(at));
        }
        assert_eq!(settling.deadline(), Some(ms(2000)));
    }

    #[test]
    fn changes_are_forgotten_when_nobody_wants_to_know_of_them() {
        let mut settling = Settling::default();
        settling.change(ms(0));
        settling.forget_changes();
        assert_eq!(settling.deadline(), None);
    }
}
