//! A port beside the link's: open, closed, and with or without a host. It stays open as long as it can be, and is tried again
//! with back-off. No circuit breaker watches it: nothing that matters depends on it alone.

use super::backoff::Backoff;
use super::event::OpenFailure;
use log::Level;
use std::time::Duration;

/// First and longest wait before the port is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `None`: until devices change.
    Closed {
        retry: Option<Duration>,
    },
    Opening,
    Open {
        host: bool,
    },
}

/// What is known of the port.
#[derive(Debug)]
pub struct SecondPort {
    name: &'static str,
    state: State,
    backoff: Backoff,
    /// The failure that was told last; the same one is not told again.
    said: Option<OpenFailure>,
    devices_are_watched: bool,
}

impl SecondPort {
    /// A port to be opened at once. `name` is what the log calls it. `seed` decides the jitter of the back-off; where devices are
    /// watched, no timer looks for a port that is not there or is held.
    pub fn new(name: &'static str, seed: u64, devices_are_watched: bool) -> Self {
        let backoff = Backoff::new(RETRY.0, RETRY.1, seed);
        let state = State::Closed { retry: Some(Duration::ZERO) };
        Self { name, state, backoff, said: None, devices_are_watched }
    }

    /// When it is to be tried again.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Closed { retry } => retry,
            State::Opening | State::Open { .. } => None,
        }
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether a host is there, or may be.
    pub fn has_host(&self) -> bool {
        self.state == State::Open { host: true }
    }

    /// Whether it is to be opened now; the answer is [`Self::opened`] or [`Self::open_failed`].
    #[must_use]
    pub fn run_timer(&mut self, now: Duration) -> bool {
        let due = self.deadline().is_some_and(|retry| retry <= now);
        if due {
            self.state = State::Opening;
        }
        due
    }

    /// It is open.
    pub fn opened(&mut self, host: bool) {
        (self.state, self.said) = (State::Open { host }, None);
        self.backoff.reset();
    }

    /// It could not be opened; what the log is to say of it.
    pub fn open_failed(&mut self, now: Duration, failure: OpenFailure) -> Option<(Level, String)> {
        self.lost(now);
        let is_told = matches!(failure, OpenFailure::Absent | OpenFailure::Busy(_));
        if self.devices_are_watched && is_told {
            self.state = State::Closed { retry: None };
        }
        if self.said.as_ref() == Some(&failure) {
            return None;
        }
        // Most machines have no such port.
        let level = if failure == OpenFailure::Absent { Level::Debug } else { Level::Warn };
        let text = self.describe(&failure);
        self.said = Some(failure);
        Some((level, text))
    }

    /// Whether another program has it.
    pub fn is_held(&self) -> bool {
        matches!((self.state, &self.said), (State::Closed { .. }, Some(OpenFailure::Busy(_))))
    }

    /// It failed, or its device is gone.
    pub fn lost(&mut self, now: Duration) {
        self.state = State::Closed { retry: Some(now.saturating_add(self.backoff.next_wait())) };
    }

    /// A host came or went.
    pub fn set_host(&mut self, host: bool) {
        if let State::Open { host: known } = &mut self.state {
            *known = host;
        }
    }

    /// A device may have come.
    pub fn devices_changed(&mut self, now: Duration) {
        if let State::Closed { retry } = &mut self.state {
            *retry = Some(now);
        }
    }

    fn describe(&self, failure: &OpenFailure) -> String {
        let name = self.name;
        match failure {
            OpenFailure::Absent => format!("there is no {name}"),
            OpenFailure::Busy(text) => format!("the {name} is held by another program: {text}"),
            OpenFailure::Denied(text) => format!("no access to the {name}: {text}"),
            OpenFailure::Other(text) => format!("the {name} cannot be opened: {text}"),
        }
    }
}
