//! How a machine's part of a job may end.

use serde::{Deserialize, Serialize};

/// How a machine's part of a job ended. Each ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The guest did what was asked.
    Answered,
    /// The guest would not do it, and has done nothing.
    Refused,
    /// The guest tried, and failed.
    Failed,
    /// Nothing came of it in its time; nothing was changed.
    Expired,
    /// A change was sent, and nobody can say any more whether it was carried out.
    Unknown,
    /// It was not begun: the job was cancelled, or had failed too often.
    Skipped,
    /// The hub does not have this machine.
    Absent,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Refused,
        Self::Failed,
        Self::Expired,
        Self::Unknown,
        Self::Skipped,
        Self::Absent,
    ];

    /// Its name in the API and in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Absent => "absent",
        }
    }

    /// Whether it counts against `max_failures`.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Refused | Self::Failed | Self::Unknown)
    }
}
