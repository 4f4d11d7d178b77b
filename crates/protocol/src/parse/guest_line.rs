//! The guest's lines, as the host reads them: tolerant of an agent that is newer than this code.

use crate::guest::GuestMessage;
use serde_json::Value;

/// A line of the guest.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "read one at a time, and moved on at once")]
pub enum GuestLine {
    /// A message of this version of the contract; fields that it does not know were ignored.
    Known(GuestMessage),
    /// A message of another version.
    Unknown {
        /// Its `type`.
        kind: String,
        /// All of it.
        value: Value,
    },
}

/// A line that is no message at all.
#[derive(Debug, thiserror::Error)]
pub enum GuestLineError {
    /// Torn, or noise.
    #[error("the guest's line is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// An object without a `type`, or no object.
    #[error("the guest's line has no type")]
    NoType,
    /// A known type with a field missing or of the wrong type.
    #[error("the guest's {kind} cannot be read: {source}")]
    BadMessage {
        /// The line's `type`.
        kind: String,
        /// What serde says.
        source: serde_json::Error,
    },
}

/// The types of this version.
pub(super) const KNOWN: [&str; 6] =
    ["system_metrics", "keep_alive", "response", "error", "circuit_breaker_state", "hello"];

/// Reads one line of the guest.
pub fn parse_guest_line(line: &str) -> Result<GuestLine, GuestLineError> {
    let value: Value = serde_json::from_str(line).map_err(GuestLineError::NotJson)?;
    let Some(kind) = value.get("type").and_then(Value::as_str) else { return Err(GuestLineError::NoType) };
    if !KNOWN.contains(&kind) {
        return Ok(GuestLine::Unknown { kind: kind.to_owned(), value });
    }
    let kind = kind.to_owned();
    let message =
        serde_json::from_value(value).map_err(|source| GuestLineError::BadMessage { kind, source })?;
    Ok(GuestLine::Known(message))
}
