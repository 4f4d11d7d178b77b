//! What waits to be sent by OTLP, and what became of what was sent. Nothing here knows what is in it.

mod queue;
mod ring;
#[cfg(test)]
mod tests;

pub use queue::{Notice, Outcome, Packed, Queue};
pub use ring::Ring;

/// What kind of thing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Points of metrics.
    Metrics,
    /// Events and records of the audit.
    Logs,
    /// Spans.
    Traces,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Metrics, Self::Logs, Self::Traces];

    /// Its name in settings, labels and addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }
}

/// What became of one signal's items, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfSignal {
    /// Items that the receiver took.
    pub sent: u64,
    /// Items for which there was no room.
    pub overflowed: u64,
    /// Items that the receiver refused.
    pub rejected: u64,
    /// Whether the receiver does not take this signal now.
    pub failing: bool,
}

/// How sending stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// By [`Signal`].
    pub of: [OfSignal; Signal::ALL.len()],
    /// Bytes that wait.
    pub queue_bytes: u64,
}

impl Status {
    /// By signal.
    pub fn signals(&self) -> impl Iterator<Item = (Signal, &OfSignal)> {
        Signal::ALL.into_iter().zip(&self.of)
    }
}
