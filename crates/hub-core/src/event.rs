//! What happened on this host, for people and programs: a bounded history with a number for each event.

use infiniservice_protocol::clock::Now;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Events that are kept.
pub const MAX_EVENTS: usize = 10_000;
/// Longest sentence of one, in bytes: some hold a guest's words.
const MAX_TEXT_BYTES: usize = 512;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The agent of a machine speaks, for the first time or again.
    Connected,
    /// A machine's socket was closed or went away.
    Lost,
    /// The agent says nothing any more, though its socket is open.
    Silent,
    /// The socket takes connections, but nobody serves ours.
    Unserved,
    /// The agent began anew.
    Restarted,
    /// The machine booted anew.
    Rebooted,
    /// The agent has another version.
    AgentUpgraded,
    /// A service failed.
    ServiceFailed,
    /// A file system is nearly full.
    DiskFilling,
    /// The guest refused a command.
    Refused,
    /// Lines of the guest could not be read.
    Malformed,
    /// Two sockets claim one name.
    ClaimedTwice,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Connected,
        Self::Lost,
        Self::Silent,
        Self::Unserved,
        Self::Restarted,
        Self::Rebooted,
        Self::AgentUpgraded,
        Self::ServiceFailed,
        Self::DiskFilling,
        Self::Refused,
        Self::Malformed,
        Self::ClaimedTwice,
    ];

    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::Unserved => "unserved",
            Self::Restarted => "agent_restarted",
            Self::Rebooted => "rebooted",
            Self::AgentUpgraded => "agent_upgraded",
            Self::ServiceFailed => "service_failed",
            Self::DiskFilling => "disk_filling",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::ClaimedTwice => "claimed_twice",
        }
    }

    /// Whether somebody may have to do something about it.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Connected | Self::Restarted | Self::Rebooted | Self::AgentUpgraded)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// From 1 since the hub's start; no number is missing.
    pub seq: u64,
    /// When, by the host's clock.
    pub at: Now,
    /// The machine.
    pub vm: Arc<str>,
    /// What kind.
    pub kind: Kind,
    /// In a sentence.
    pub text: String,
}

/// How many events of one machine may come at once.
const BURST: u32 = 50;
/// How often one more may come after that.
const ONE_MORE: Duration = Duration::from_secs(10);

/// How much is told of one machine: most events are of a guest's making, and one guest must not push out what was told of all
/// others.
#[derive(Clone, Debug)]
pub struct Allowance {
    left: u32,
    at: Duration,
    untold: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: BURST, at: Duration::ZERO, untold: 0 }
    }
}

impl Allowance {
    /// Whether one more may be told, and how many were not told before it. `now` is the monotonic clock.
    pub fn take(&mut self, now: Duration) -> Option<u64> {
        let earned = now.saturating_sub(self.at).as_secs() / ONE_MORE.as_secs();
        if earned > 0 {
            self.left = self.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(BURST);
            self.at = now;
        }
        if self.left == 0 {
            self.untold += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.untold))
    }
}

/// The newest events, and how many there were.
#[derive(Debug, Default)]
pub struct Events {
    kept: VecDeque<Event>,
    last_seq: u64,
    counts: [u64; Kind::ALL.len()],
}

impl Events {
    /// Adds one; the oldest is forgotten where there is no room.
    pub fn push(&mut self, at: Now, vm: &Arc<str>, kind: Kind, text: &str) -> &Event {
        if self.kept.len() == MAX_EVENTS {
            self.kept.pop_front();
        }
        self.last_seq += 1;
        self.counts[kind as usize] += 1;
        let text = text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or_default().to_owned();
        self.kept.push_back(Event { seq: self.last_seq, at, vm: Arc::clone(vm), kind, text });
        &self.kept[self.kept.len() - 1]
    }

    /// Those after a number, oldest first.
    pub fn after(&self, seq: u64) -> impl Iterator<Item = &Event> {
        let newer = usize::try_from(self.last_seq.saturating_sub(seq)).unwrap_or(usize::MAX);
        self.kept.iter().skip(self.kept.len().saturating_sub(newer))
    }

    /// The number after which the newest ones of so many come.
    pub fn before_newest(&self, count: u64) -> u64 {
        self.last_seq.saturating_sub(count)
    }

    /// How many were forgotten of those after a number.
    pub fn forgotten_after(&self, seq: u64) -> u64 {
        self.kept.front().map_or(0, |oldest| oldest.seq.saturating_sub(seq + 1))
    }

    /// How many there were of a kind since the hub's start.
    pub const fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// The newest number; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    #[test]
    fn a_reader_that_comes_back_gets_what_it_missed_and_is_told_what_is_gone() {
        let mut events = Events::default();
        let vm: Arc<str> = "web".into();
        for n in 0..MAX_EVENTS as u64 + 5 {
            events.push(at(n), &vm, Kind::Connected, "x");
        }
        let last = events.last_seq();
        assert_eq!(events.after(last - 2).map(|event| event.seq).collect::<Vec<_>>(), [last - 1, last]);
        assert_eq!(events.after(events.before_newest(3)).map(|event| event.seq).next(), Some(last - 2));
        assert_eq!(events.forgotten_after(2), 3);
        assert_eq!(events.forgotten_after(last - 2), 0);
        assert_eq!(events.after(0).count(), MAX_EVENTS);
        assert_eq!((events.count(Kind::Connected), events.count(Kind::Lost)), (last, 0));
    }

    #[test]
    fn a_machine_that_makes_events_without_end_is_told_of_at_a_pace_and_what_was_left_out_is_counted() {
        let mut allowance = Allowance::default();
        let told = (0..1000).filter(|_| allowance.take(Duration::from_secs(1)).is_some()).count();
        assert_eq!(told, BURST as usize);
        assert_eq!(allowance.take(Duration::from_secs(12)), Some(950));
        assert_eq!(allowance.take(Duration::from_secs(12)), None);
        assert_eq!(allowance.take(Duration::from_secs(22)), Some(1));
    }

    #[test]
    fn a_guests_words_are_cut_between_characters() {
        let mut events = Events::default();
        let text = "é".repeat(1000);
        assert_eq!(events.push(at(0), &"a".into(), Kind::Refused, &text).text.len(), MAX_TEXT_BYTES);
    }

    #[test]
    fn names_of_kinds_differ() {
        let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().enumerate().all(|(place, kind)| *kind as usize == place));
    }
}
