//! The port: open, closed, and with or without a host. It stays open as long as it can be, and is tried again with back-off.

use crate::event::Action;
use infiniservice_link::OpenFailure;
use infiniservice_link::backoff::Backoff;
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
pub struct Port {
    state: State,
    backoff: Backoff,
    /// The failure that was logged last; the same one is not logged again.
    said: Option<OpenFailure>,
    devices_are_watched: bool,
}

impl Port {
    /// A port to be opened at once. `seed` decides the jitter of the back-off; where devices are watched, no timer looks for a
    /// port that is not there or is held.
    pub fn new(seed: u64, devices_are_watched: bool) -> Self {
        let backoff = Backoff::new(RETRY.0, RETRY.1, seed);
        Self {
            state: State::Closed { retry: Some(Duration::ZERO) },
            backoff,
            said: None,
            devices_are_watched,
        }
    }

    /// When it is to be tried again.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Closed { retry } => retry,
            State::Opening | State::Open { .. } => None,
        }
    }

    /// Whether a host is there, or may be.
    pub fn has_host(&self) -> bool {
        self.state == State::Open { host: true }
    }

    /// Asks for the port where its time has come.
    pub fn run_timer(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.deadline().is_some_and(|retry| retry <= now) {
            self.state = State::Opening;
            actions.push(Action::Open);
        }
    }

    /// It is open.
    pub fn opened(&mut self, path: &str, host: Option<bool>, actions: &mut Vec<Action>) {
        (self.state, self.said) = (State::Open { host: host.unwrap_or(true) }, None);
        self.backoff.reset();
        actions.push(Action::Log(Level::Info, format!("{path} is served as a QEMU guest agent's port")));
    }

    /// It could not be opened.
    pub fn open_failed(&mut self, now: Duration, failure: OpenFailure, actions: &mut Vec<Action>) {
        self.close(now);
        let is_told = matches!(failure, OpenFailure::Absent | OpenFailure::Busy(_));
        if self.devices_are_watched && is_told {
            self.state = State::Closed { retry: None };
        }
        if self.said.as_ref() != Some(&failure) {
            // Most machines have no such port.
            let level = if failure == OpenFailure::Absent { Level::Debug } else { Level::Warn };
            actions.push(Action::Log(level, describe(&failure)));
            self.said = Some(failure);
        }
    }

    /// Whether another program has it.
    pub fn is_held(&self) -> bool {
        matches!((self.state, &self.said), (State::Closed { .. }, Some(OpenFailure::Busy(_))))
    }

    /// It failed, or its device is gone.
    pub fn lost(&mut self, now: Duration, reason: String, actions: &mut Vec<Action>) {
        self.close(now);
        actions.push(Action::Close(reason));
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

    fn close(&mut self, now: Duration) {
        self.state = State::Closed { retry: Some(now.saturating_add(self.backoff.next_wait())) };
    }
}

fn describe(failure: &OpenFailure) -> String {
    match failure {
        OpenFailure::Absent => "there is no port of a QEMU guest agent".to_owned(),
        OpenFailure::Busy(text) => format!("the QEMU guest agent's port is held by another program: {text}"),
        OpenFailure::Denied(text) => format!("no access to the QEMU guest agent's port: {text}"),
        OpenFailure::Other(text) => format!("the QEMU guest agent's port cannot be opened: {text}"),
    }
}
