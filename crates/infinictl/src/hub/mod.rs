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
pub(crate) use row::{Agent, Figures, Row, Table};

use std::path::PathBuf;

/// The variable that stands in for `--hub`.
const VARIABLE: &str = "INFINICTL_HUB";
/// Where infinihub's sockets are unless somebody says.
const DIRECTORY: &str = "/run/infinihub";

/// Where infinihub is: as a flag says, or else the variable `INFINICTL_HUB`, or else in its usual directory.
pub(crate) fn place(named: Option<PathBuf>) -> PathBuf {
    let variable = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(variable).unwrap_or_else(|| DIRECTORY.into())
}

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
