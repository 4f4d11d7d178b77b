//! Who subscribed to which metrics, when the next sample is due, and what all of them may cost. Pure.
//!
//! Subscriptions that are due together share one collection of all their fields. A collection that took some processor time is
//! followed by none for a hundred times as long: so all streams together take at most one percent of one core, whatever hosts ask
//! for, and a cheap slow one is not slowed down by an expensive fast one.

use infiniservice_protocol::stream::{Fields, MAX_CPU_PERCENT, MAX_SUBSCRIPTIONS};
use std::time::Duration;

/// Processor time of a collection, times this, is the least time from its beginning to the next.
const REST: u32 = 100 / MAX_CPU_PERCENT;
/// What is due within this time is taken in one wake-up.
const TOGETHER: Duration = Duration::from_millis(20);

/// What a host asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Between two samples.
    pub(crate) interval: Duration,
    /// What a sample has.
    pub(crate) fields: Fields,
    /// How long it goes on unless it is renewed.
    pub(crate) lease: Duration,
}

/// One subscription as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Its number, from 1 over the agent's life.
    pub(crate) number: u64,
    /// What was asked for.
    pub(crate) wish: Wish,
    /// The interval that the agent can keep.
    pub(crate) effective: Duration,
}

/// One sample to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Whose it is.
    pub(crate) number: u64,
    /// From 1.
    pub(crate) seq: u64,
    /// What it has.
    pub(crate) fields: Fields,
    /// The interval that the agent can keep.
    pub(crate) effective: Duration,
}

#[derive(Debug)]
struct Subscription {
    number: u64,
    wish: Wish,
    ends: Duration,
    due: Duration,
    seq: u64,
    /// The collection under way is for it.
    served: bool,
}

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Book {
    subscriptions: Vec<Subscription>,
    last_number: u64,
    /// When the collection under way began.
    collecting: Option<Duration>,
    /// No collection before.
    rested: Duration,
    /// The last collection's processor time, times [`REST`].
    rest: Duration,
}

impl Book {
    /// A new subscription, with its first sample due at once; `None` where there are too many.
    pub(crate) fn subscribe(&mut self, now: Duration, wish: Wish) -> Option<Granted> {
        self.end_leases(now);
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return None;
        }
        self.last_number += 1;
        let (number, ends) = (self.last_number, now.saturating_add(wish.lease));
        self.subscriptions.push(Subscription { number, wish, ends, due: now, seq: 0, served: false });
        Some(self.granted(number, wish))
    }

    /// Another lease of one that has not ended; `None` where there is none of this number.
    pub(crate) fn renew(&mut self, now: Duration, number: u64, lease: Duration) -> Option<Granted> {
        self.end_leases(now);
        let found = self.subscriptions.iter_mut().find(|one| one.number == number)?;
        found.wish.lease = lease;
        found.ends = now.saturating_add(lease);
        let wish = found.wish;
        Some(self.granted(number, wish))
    }

    /// Ends one; `false` where there is none of this number.
    pub(crate) fn unsubscribe(&mut self, now: Duration, number: u64) -> bool {
        self.end_leases(now);
        let before = self.subscriptions.len();
        self.subscriptions.retain(|one| one.number != number);
        self.subscriptions.len() < before
    }

    /// The host went: nobody renews them.
    pub(crate) fn host_gone(&mut self) {
        self.subscriptions.clear();
    }

    /// Whether there is none.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// When to look again.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let ends = self.subscriptions.iter().map(|one| one.ends).min();
        let due = self.subscriptions.iter().map(|one| one.due.max(self.rested)).min();
        [ends, due.filter(|_| self.collecting.is_none())].into_iter().flatten().min()
    }

    /// The fields to be collected now for all that are due; `None` where none is, or one collection is under way.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Fields> {
        self.end_leases(now);
        if self.collecting.is_some() || now < self.rested {
            return None;
        }
        if !self.subscriptions.iter().any(|one| one.due <= now) {
            return None;
        }
        let soon = now.saturating_add(TOGETHER);
        let mut fields = Fields::default();
        for one in self.subscriptions.iter_mut().filter(|one| one.due <= soon) {
            fields = fields.with(one.wish.fields);
            one.served = true;
            one.due = following(one.due, one.wish.interval, now);
        }
        self.collecting = Some(now);
        Some(fields)
    }

    /// The collection under way ended, having taken this much processor time: the samples that come of it.
    pub(crate) fn collected(&mut self, cost: Duration) -> Vec<Sample> {
        let Some(began) = self.collecting.take() else { return Vec::new() };
        self.rest = cost.saturating_mul(REST);
        self.rested = began.saturating_add(self.rest);
        let rest = self.rest;
        let served = |one: &mut Subscription| std::mem::take(&mut one.served).then(|| one.sample(rest));
        self.subscriptions.iter_mut().filter_map(served).collect()
    }

    fn granted(&self, number: u64, wish: Wish) -> Granted {
        Granted { number, wish, effective: wish.interval.max(self.rest) }
    }

    fn end_leases(&mut self, now: Duration) {
        self.subscriptions.retain(|one| now < one.ends);
    }
}

impl Subscription {
    fn sample(&mut self, rest: Duration) -> Sample {
        self.seq += 1;
        let Self { number, seq, wish, .. } = *self;
        Sample { number, seq, fields: wish.fields, effective: wish.interval.max(rest) }
    }
}

/// The next time, a whole interval after the last one; from `now` where that has passed too.
fn following(due: Duration, interval: Duration, now: Duration) -> Duration {
    let next = due.saturating_add(interval);
    if next > now { next } else { now.saturating_add(interval) }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
