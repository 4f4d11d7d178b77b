//! A client of infinihub's HTTP API: over its Unix socket, or over TCP with a certificate.

mod api;
mod events;
mod https;
mod hurt;
mod row;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

pub use api::{Api, Wire};
pub use events::Events;
pub use https::{Files, Https};

pub(crate) use hurt::{Hurt, Kind};
pub(crate) use row::{Figures, Row, Table};

/// Why the hub gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they hold, and the variants say the rest")]
pub enum HubError {
    /// Nobody listens, or not to us.
    #[error("cannot reach infinihub through {place}: {reason}")]
    NoConnection { place: String, reason: String },
    /// It answered that it cannot.
    #[error("infinihub refused {what}: {error}")]
    Refused { what: String, error: String, status: u16 },
    /// What it said is no answer.
    #[error("infinihub's answer to {what} cannot be read: {reason}")]
    Unreadable { what: String, reason: String },
}
