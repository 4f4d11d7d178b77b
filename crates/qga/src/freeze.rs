//! Whether file systems are frozen, as the agent's one gate tells it, and what is allowed meanwhile.

use serde::{Deserialize, Serialize};

/// The state of the agent's file systems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FreezeState {
    /// Everything can be written.
    #[default]
    Thawed,
    /// From before the first file system is frozen.
    Freezing,
    /// Until the host thaws, or the longest freeze has passed.
    Frozen,
    /// Until after the last file system is thawed.
    Thawing,
    /// The longest freeze passed and the agent thawed by itself. All commands work again, but the status says `frozen` until the
    /// host's thaw, which fails: a host that read `thawed` would take its snapshot for a consistent one.
    Expired,
}

/// The answer of `guest-fsfreeze-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FreezeStatus {
    /// Nothing is frozen.
    Thawed,
    /// Something is, or was until the longest freeze had passed.
    Frozen,
}

impl FreezeState {
    /// Whether commands that may write are refused.
    pub fn holds_writes(self) -> bool {
        !matches!(self, Self::Thawed | Self::Expired)
    }

    /// What the host is told.
    pub fn status(self) -> FreezeStatus {
        match self {
            Self::Thawed => FreezeStatus::Thawed,
            Self::Freezing | Self::Frozen | Self::Thawing | Self::Expired => FreezeStatus::Frozen,
        }
    }
}
