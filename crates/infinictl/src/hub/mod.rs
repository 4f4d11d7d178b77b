//! A client of infinihub's HTTP API, over its Unix socket.

mod hurt;
mod row;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
pub use unix::{Api, Events};
#[cfg(not(unix))]
pub use windows::{Api, Events};

pub(crate) use hurt::{Hurt, Kind};
pub(crate) use row::{Figures, Row, Table};

use std::path::PathBuf;

/// Why the hub gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they hold, and the variants say the rest")]
pub enum HubError {
    /// Nobody listens.
    #[error("cannot reach infinihub through {}: {reason}", path.display())]
    NoConnection { path: PathBuf, reason: String },
    /// It answered that it cannot.
    #[error("infinihub refused {what}: {error}")]
    Refused { what: String, error: String, status: u16 },
    /// What it said is no answer.
    #[error("infinihub's answer to {what} cannot be read: {reason}")]
    Unreadable { what: String, reason: String },
}
