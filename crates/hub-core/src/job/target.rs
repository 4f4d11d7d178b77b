//! One machine of a job, and the sums over all of them.

pub use crate::ledger::Outcome;
use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::time::Duration;

/// Where a machine's part of a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its turn has not come.
    Accepted,
    /// Its command was handed to that process of the agent; empty where the agent does not say which it is.
    Sent {
        /// `hello.instance`.
        instance: String,
        /// When, in milliseconds since 1970.
        at: u64,
    },
    /// It has ended.
    Ended(Outcome),
}

/// What only this run of the hub knows of a command that was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct OnWire {
    /// The connection that it went over; 0 where that was in an earlier run.
    pub connection: u64,
    /// When, by the monotonic clock, where it was in this run.
    pub sent: Option<Duration>,
    /// When nothing is waited for any more.
    pub give_up: Duration,
    /// The connection over which its end was asked for.
    pub cancelled_on: u64,
    /// How often it was sent again: so many answers more may come.
    pub again: u32,
    /// When it is sent again to the same process, which was too busy at least once.
    pub retry: Option<Duration>,
}

/// One machine of a job.
#[derive(Clone, Debug)]
pub struct Target {
    /// The machine's name.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// The guest's code, where it failed.
    pub code: Option<String>,
    /// In a sentence, what is to be said of the outcome.
    pub text: Option<String>,
    /// The guest's answer, as it came; cut where it was too long.
    pub result: Option<String>,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Option<u64>,
    /// When its command was first handed to the guest, in milliseconds since 1970; `None` where only an earlier run knew.
    pub sent_at: Option<u64>,
    /// How often the guest was too busy in a row.
    pub(super) busy: u32,
    pub(super) wire: OnWire,
}

impl Target {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            state: State::Accepted,
            code: None,
            text: None,
            result: None,
            ended_at: None,
            sent_at: None,
            busy: 0,
            wire: OnWire::default(),
        }
    }

    /// How it ended, if it has.
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Its state's name in the API.
    pub const fn state_name(&self) -> &'static str {
        match self.state {
            State::Accepted => "accepted",
            State::Sent { .. } => "sent",
            State::Ended(outcome) => outcome.name(),
        }
    }
}

/// How many machines stand where. The sum is the number of targets, at any moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Their turn has not come.
    pub accepted: u32,
    /// Their commands are with the guests.
    pub sent: u32,
    /// See [`Outcome`].
    pub answered: u32,
    /// See [`Outcome`].
    pub refused: u32,
    /// See [`Outcome`].
    pub failed: u32,
    /// See [`Outcome`].
    pub expired: u32,
    /// See [`Outcome`].
    pub unknown: u32,
    /// See [`Outcome`].
    pub skipped: u32,
    /// See [`Outcome`].
    pub absent: u32,
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, it| Self {
            accepted: sum.accepted + it.accepted,
            sent: sum.sent + it.sent,
            answered: sum.answered + it.answered,
            refused: sum.refused + it.refused,
            failed: sum.failed + it.failed,
            expired: sum.expired + it.expired,
            unknown: sum.unknown + it.unknown,
            skipped: sum.skipped + it.skipped,
            absent: sum.absent + it.absent,
        })
    }
}

impl Counts {
    pub(super) fn of(&mut self, state: &State) -> &mut u32 {
        match state {
            State::Accepted => &mut self.accepted,
            State::Sent { .. } => &mut self.sent,
            State::Ended(Outcome::Answered) => &mut self.answered,
            State::Ended(Outcome::Refused) => &mut self.refused,
            State::Ended(Outcome::Failed) => &mut self.failed,
            State::Ended(Outcome::Expired) => &mut self.expired,
            State::Ended(Outcome::Unknown) => &mut self.unknown,
            State::Ended(Outcome::Skipped) => &mut self.skipped,
            State::Ended(Outcome::Absent) => &mut self.absent,
        }
    }

    /// Those that count against `max_failures`.
    pub const fn failures(&self) -> u32 {
        self.refused + self.failed + self.unknown
    }

    /// Those that have not ended.
    pub const fn open(&self) -> u32 {
        self.accepted + self.sent
    }

    /// All of them, by their names in the API.
    pub const fn named(&self) -> [(&'static str, u32); 9] {
        [
            ("accepted", self.accepted),
            ("sent", self.sent),
            (Outcome::Answered.name(), self.answered),
            (Outcome::Failed.name(), self.failed),
            (Outcome::Refused.name(), self.refused),
            (Outcome::Unknown.name(), self.unknown),
            (Outcome::Expired.name(), self.expired),
            (Outcome::Skipped.name(), self.skipped),
            (Outcome::Absent.name(), self.absent),
        ]
    }

    /// All of them.
    pub const fn sum(&self) -> u32 {
        self.open() + self.answered + self.failures() + self.expired + self.skipped + self.absent
    }
}
