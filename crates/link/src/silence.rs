//! A host that answers no heartbeat: reading, it needs none, and opening the port anew each minute would change nothing for ever.

use super::backoff::Backoff;
use super::settings::LinkSettings;
use std::time::Duration;

/// So many reconnections in a row are worth a try.
const TRIES: u32 = 3;

/// What a heartbeat without an answer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A reconnection, as for any failure.
    Reconnect,
    /// Nothing yet; whether that is to be said.
    Later {
        /// It is the first time with this host.
        news: bool,
    },
    /// A reconnection in case the fault is the port's.
    TryAgain,
}

/// How long the host has been silent.
#[derive(Debug)]
pub(super) struct Silence {
    backoff: Backoff,
    reconnections: u32,
    until: Option<Duration>,
    said: bool,
}

impl Silence {
    pub(super) fn new(settings: &LinkSettings, seed: u64) -> Self {
        let backoff = Backoff::new(settings.keep_alive_timeout, settings.max_backoff, seed);
        Self { backoff, reconnections: 0, until: None, said: false }
    }

    /// Other waits, from the next one on.
    pub(super) fn set_waits(&mut self, settings: &LinkSettings) {
        self.backoff.set_bounds(settings.keep_alive_timeout, settings.max_backoff);
    }

    /// The host said something, or is another one.
    pub(super) fn ended(&mut self) {
        if self.reconnections > 0 {
            self.backoff.reset();
            (self.reconnections, self.until) = (0, None);
        }
        self.said = false;
    }

    /// A heartbeat was not answered in its time.
    pub(super) fn reconnects(&mut self, now: Duration) -> Verdict {
        if self.reconnections < TRIES {
            self.reconnections += 1;
            return Verdict::Reconnect;
        }
        let until = *self.until.get_or_insert_with(|| now.saturating_add(self.backoff.next_wait()));
        if now < until {
            return Verdict::Later { news: !std::mem::replace(&mut self.said, true) };
        }
        self.until = None;
        Verdict::TryAgain
    }
}
