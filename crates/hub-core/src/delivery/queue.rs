//! Requests on their way to a receiver that may be away, slow, or refuse them: what is sent next, when it is tried again, and what
//! is lost.

use super::{OfSignal, Signal, Status};
use std::collections::VecDeque;
use std::time::Duration;

/// The time to the next try, doubled from one to the other.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The longest that a receiver may put us off.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What it holds.
    pub signal: Signal,
    /// How many of that.
    pub items: u64,
    /// Its body.
    pub body: Vec<u8>,
}

/// What a receiver said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took it, but for so many items of which it says why.
    Taken {
        /// Items that it refused.
        rejected: u64,
        /// Why.
        why: String,
    },
    /// It may take it later: it is busy, or was not reached.
    Later {
        /// When, if it said so.
        after: Option<Duration>,
        /// Why not now.
        why: String,
    },
    /// It will never take it.
    Refused {
        /// Why.
        why: String,
    },
}

/// What is worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It goes wrong from now on.
    Wrong(String),
    /// It works again.
    Works,
}

/// What goes wrong with a signal: told once, until it is something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Away,
    Refused,
    Partly,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Packed>,
    bytes: usize,
    not_before: Duration,
    failures: u32,
    trouble: Option<Trouble>,
    counts: OfSignal,
}

/// The requests that wait, by signal. One that waits for its receiver holds up its own signal only.
#[derive(Debug)]
pub struct Queue {
    lanes: [Lane; Signal::ALL.len()],
    max_bytes: usize,
    last: usize,
}

impl Queue {
    /// For so many bytes, and the one request that is being sent.
    pub fn new(max_bytes: usize) -> Self {
        Self { lanes: Default::default(), max_bytes, last: 0 }
    }

    /// Adds a request. Where there is no room, the signal that takes most of it loses its oldest ones.
    pub fn push(&mut self, packed: Packed) {
        let lane = &mut self.lanes[packed.signal as usize];
        lane.bytes += packed.body.len();
        lane.waiting.push_back(packed);
        self.make_room();
    }

    /// Items that were lost before they became a request.
    pub fn lost(&mut self, signal: Signal, items: u64) {
        self.lanes[signal as usize].counts.overflowed += items;
    }

    fn make_room(&mut self) {
        while self.bytes() > self.max_bytes {
            let Some(lane) = self.lanes.iter_mut().max_by_key(|lane| lane.bytes) else { return };
            let Some(packed) = lane.waiting.pop_front() else { return };
            lane.bytes -= packed.body.len();
            lane.counts.overflowed += packed.items;
        }
    }

    /// Takes the next request that may be sent now; the signals take turns. What becomes of it is to be [settled](Self::settle).
    pub fn take(&mut self, now: Duration) -> Option<Packed> {
        let count = self.lanes.len();
        let turns = (1..=count).map(|n| (self.last + n) % count);
        for n in turns {
            let lane = &mut self.lanes[n];
            if lane.not_before <= now
                && let Some(packed) = lane.waiting.pop_front()
            {
                lane.bytes -= packed.body.len();
                self.last = n;
                return Some(packed);
            }
        }
        None
    }

    /// How long nothing may be sent; `None` where nothing waits.
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        let waiting = self.lanes.iter().filter(|lane| !lane.waiting.is_empty());
        waiting.map(|lane| lane.not_before.saturating_sub(now)).min()
    }

    /// What became of a request. `jitter` is from 0 to 1, so that many hubs do not come back at one moment.
    pub fn settle(&mut self, now: Duration, packed: Packed, outcome: Outcome, jitter: f64) -> Option<Notice> {
        let lane = &mut self.lanes[packed.signal as usize];
        match outcome {
            Outcome::Taken { rejected, why } => {
                let rejected = rejected.min(packed.items);
                lane.counts.sent += packed.items - rejected;
                lane.counts.rejected += rejected;
                lane.failures = 0;
                let refused = || format!("{rejected} of {} items were refused: {why}", packed.items);
                lane.tell((rejected > 0).then(|| (Trouble::Partly, refused())))
            }
            Outcome::Refused { why } => {
                lane.counts.rejected += packed.items;
                lane.failures = 0;
                lane.tell(Some((Trouble::Refused, format!("{why}; what is refused is lost"))))
            }
            Outcome::Later { after, why } => {
                lane.not_before = now + lane.pause(after, jitter);
                lane.bytes += packed.body.len();
                lane.waiting.push_front(packed);
                let notice = lane.tell(Some((Trouble::Away, why)));
                self.make_room();
                notice
            }
        }
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.bytes).sum()
    }

    /// How sending stands.
    pub fn status(&self) -> Status {
        let of =
            self.lanes.each_ref().map(|lane| OfSignal { failing: lane.trouble.is_some(), ..lane.counts });
        Status { of, queue_bytes: self.bytes() as u64 }
    }
}

impl Lane {
    fn pause(&mut self, after: Option<Duration>, jitter: f64) -> Duration {
        let (first, most) = BACK_OFF;
        let own = first.saturating_mul(1 << self.failures.min(16)).min(most);
        self.failures += 1;
        let own = own.mul_f64(jitter.clamp(0.0, 1.0).mul_add(0.5, 0.75));
        after.map_or(own, |after| after.clamp(first, LONGEST_RETRY_AFTER))
    }

    fn tell(&mut self, trouble: Option<(Trouble, String)>) -> Option<Notice> {
        let before = std::mem::replace(&mut self.trouble, trouble.as_ref().map(|(kind, _)| *kind));
        match (before, trouble) {
            (Some(_), None) => Some(Notice::Works),
            (before, Some((kind, why))) if before != Some(kind) => Some(Notice::Wrong(why)),
            _ => None,
        }
    }
}
