//! The guest's lines, as the host reads them: tolerant of an agent that is newer than this code, but not of one that
//! wants its memory.

use super::budget::{Scale, Weighed};
use crate::guest::GuestMessage;
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
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
    /// Many small values, which take much more memory than the line.
    #[error("the guest's line would take more than {} MiB of memory: it holds too many values", MAX_GUEST_LINE_MEMORY >> 20)]
    TooManyValues,
    /// An object without a `type`, or no object.
    #[error("the guest's line has no type")]
    NoType,
    /// A known type with a field missing or of the wrong type.
    #[error("the guest's {kind} cannot be parsed: {source}")]
    BadMessage {
        /// The line's `type`.
        kind: String,
        /// What serde says.
        source: serde_json::Error,
    },
}

/// What a line of the guest may take once it is read, in bytes: sixteen times its longest line, which the longest
/// honest lists stay below, and a list of empty lists does not.
pub const MAX_GUEST_LINE_MEMORY: usize = 64 << 20;

/// Reads one line of the guest. A line that would take more than `MAX_GUEST_LINE_MEMORY` is not read.
///
/// # Errors
/// Where the line is no message.
pub fn parse_guest_line(line: &str) -> Result<GuestLine, GuestLineError> {
    measure_guest_line(line).and_then(|(line, _)| line)
}

/// As [`parse_guest_line`], with what the line takes in memory, at most; the outer error is of a line that takes none.
///
/// # Errors
/// Where the line cannot be weighed: it is not JSON, or takes too much.
pub fn measure_guest_line(line: &str) -> Result<(Result<GuestLine, GuestLineError>, usize), GuestLineError> {
    let scale = Scale::new(MAX_GUEST_LINE_MEMORY);
    weigh(line, &scale).map_err(|error| {
        if scale.is_exceeded() { GuestLineError::TooManyValues } else { GuestLineError::NotJson(error) }
    })?;
    Ok((kind(line).and_then(|kind| read(kind, line)), scale.weight()))
}

fn weigh(line: &str, scale: &Scale) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(line);
    Weighed(scale).deserialize(&mut json)?;
    json.end()
}

/// The `type` of a line; serde takes a list for an object, too.
fn kind(line: &str) -> Result<String, GuestLineError> {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    let object = line.trim_start().starts_with('{');
    let typed: Option<Typed> = serde_json::from_str(line).ok().filter(|_| object);
    typed.map(|typed| typed.r#type).ok_or(GuestLineError::NoType)
}

/// Straight into the message's own type: a tagged enum, or a `Value` in between, would hold all of it twice.
fn read(kind: String, line: &str) -> Result<GuestLine, GuestLineError> {
    let message = match kind.as_str() {
        // The latter is its name where the agent speaks to Infinibay's host (`wire_profile`).
        "system_metrics" | "metrics" => typed(line).map(GuestMessage::SystemMetrics),
        "keep_alive" => typed(line).map(GuestMessage::KeepAlive),
        "response" => typed(line).map(GuestMessage::Response),
        "error" => typed(line).map(GuestMessage::Error),
        "circuit_breaker_state" => typed(line).map(GuestMessage::CircuitBreakerState),
        "hello" => typed(line).map(GuestMessage::Hello),
        "batch_result" => typed(line).map(GuestMessage::BatchResult),
        "output" => typed(line).map(GuestMessage::Output),
        "stream" => typed(line).map(GuestMessage::Stream),
        "channel" => typed(line).map(GuestMessage::Channel),
        _ => {
            let value = typed(line).map_err(GuestLineError::NotJson)?;
            return Ok(GuestLine::Unknown { kind, value });
        }
    };
    message.map(GuestLine::Known).map_err(|source| GuestLineError::BadMessage { kind, source })
}

fn typed<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    serde_json::from_str(line)
}
