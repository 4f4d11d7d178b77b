//! A machine at a hub: what that says of it, and its lines as they come.

use infiniservice_engine::live::Decoder;
use infiniservice_hub_core::{Fleet, State};
use infiniservice_protocol::clock::Now;
use std::sync::Arc;
use std::time::Duration;

/// How long a machine may be without figures at first: a whole line is the twentieth at the latest, at one each 30 s.
pub(super) const FIRST_LINE_WITHIN: Duration = Duration::from_secs(600);
/// How long a machine's figures may be old at most, however seldom they come.
const MAX_PATIENCE: Duration = Duration::from_secs(3600);
/// A machine of which no hub says anything, and which says nothing, is none any more.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// What a hub says of a machine.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// The state in which the hub has it.
    pub(super) state: State,
    /// Since when the hub has it, in milliseconds since 1970.
    pub(super) since_ms: u64,
    /// When it was said.
    pub(super) at: Duration,
}

impl Word {
    fn is_up(&self) -> bool {
        self.state == State::Up
    }
}

/// A machine at a hub.
#[derive(Debug)]
pub(super) struct Seat {
    /// Its key in the table of all machines.
    pub(super) key: Arc<str>,
    pub(super) word: Option<Word>,
    pub(super) decoder: Decoder,
    /// Bytes of the line that its figures are from.
    pub(super) kept: usize,
    /// When its last line came.
    pub(super) line_at: Option<Duration>,
    /// From line to line, the last two times.
    gaps: [Duration; 2],
}

impl Seat {
    pub(super) fn new(key: Arc<str>) -> Self {
        let (word, decoder, line_at) = (None, Decoder::default(), None);
        Self { key, word, decoder, kept: 0, line_at, gaps: [Duration::ZERO; 2] }
    }

    /// A line came.
    pub(super) fn heard(&mut self, now: Duration) {
        if let Some(before) = self.line_at.replace(now) {
            self.gaps = [self.gaps[1], now.saturating_sub(before)];
        }
    }

    /// How long it may be silent: three times as long as between lines, of which one may have been lost.
    pub(super) fn patience(&self) -> Duration {
        if self.line_at.is_none() {
            return FIRST_LINE_WITHIN;
        }
        (self.gaps[0].min(self.gaps[1]) * 3).min(MAX_PATIENCE)
    }

    /// Whether its agent speaks, as far as its hub's newest word and its lines say; and since when that is known.
    fn speaks(&self) -> Option<Duration> {
        match (&self.word, self.line_at) {
            (Some(word), Some(line)) if word.is_up() || line > word.at => Some(line),
            (Some(word), None) if word.is_up() => Some(word.at),
            (None, line) => line,
            (Some(_), _) => None,
        }
    }

    /// What goes before where several hubs tell of a machine: one that speaks, the last line, the hub that has it for the shortest
    /// time.
    pub(super) fn rank(&self, hub_is_there: bool) -> (bool, Option<Duration>, u64) {
        let since_ms = self.word.as_ref().map_or(0, |word| word.since_ms);
        (hub_is_there && self.speaks().is_some(), self.line_at, since_ms)
    }

    /// Lets the machine stand as its hub and its lines say.
    pub(super) fn stand(&self, fleet: &mut Fleet, now: Now, hub_is_there: bool) {
        let speaks = self.speaks().filter(|_| hub_is_there);
        fleet.with(now, &self.key, |machine| {
            match speaks {
                Some(at) if machine.state() == State::Down => {
                    machine.be_patient(self.patience());
                    machine.there(Now { mono: at, ..now });
                    // It may have been silent for too long already.
                    drop(machine.tick(now));
                }
                Some(_) => {}
                None => drop(machine.closed(now, "its hub does not hear it, or is not heard")),
            }
            ((), Vec::new())
        });
    }

    /// Whether it said something in so long a time.
    pub(super) fn said_within(&self, now: Duration, within: Duration) -> bool {
        self.line_at.is_some_and(|at| now.saturating_sub(at) < within)
    }

    /// Whether nobody knows it any more.
    pub(super) fn is_forgotten(&self, now: Duration) -> bool {
        self.word.is_none() && !self.said_within(now, FORGOTTEN)
    }
}
