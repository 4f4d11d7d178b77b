//! Guest messages to lines: ASCII only, without U+0000, stamped with the time at which they are written.

mod ascii;
#[cfg(test)]
mod tests;
mod truncate;

pub use ascii::escape;
pub use truncate::{ListBudget, fit};

use crate::guest::GuestMessage;
use crate::timestamp::rfc3339_millis;
use ascii::AsciiFormatter;
use serde::Serialize;
use std::io;
use std::time::SystemTime;

/// Bytes that [`Body::finish`] adds before the newline: `,"timestamp":"2026-11-23T06:30:00.123Z"}`.
pub const TAIL_BYTES: usize = 40;

/// What is sent should a message not serialise; no message of the contract does this.
const NOT_ENCODED: &[u8] =
    br#"{"type":"error","error":"a message of the agent could not be encoded","error_code":"INTERNAL""#;

/// A message that waits to be written: encoded, but for its timestamp and closing brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(Vec<u8>);

impl Body {
    /// Encodes a message; a timestamp that it already has is left out.
    pub fn encode(message: &GuestMessage) -> Self {
        Self::bounded(message, usize::MAX).unwrap_or_else(|| Self(NOT_ENCODED.to_vec()))
    }

    /// Encodes what a dialect says: an object that has a `type` and no `timestamp`.
    pub fn of(value: &impl Serialize) -> Self {
        let mut bytes = Vec::with_capacity(512);
        if to_ascii(value, &mut bytes, AsciiFormatter::default()).is_err() || bytes.pop() != Some(b'}') {
            return Self(NOT_ENCODED.to_vec());
        }
        bytes.shrink_to_fit();
        Self(bytes)
    }

    /// Encodes a message, cutting it when its line would be longer than `max_line_bytes`. No more than that is ever
    /// held of the encoded form, however long the message is.
    pub fn encode_within(message: &mut GuestMessage, max_line_bytes: usize) -> Self {
        if let Some(body) = Self::bounded(message, message_room(max_line_bytes)) {
            return body;
        }
        truncate::cut(message, max_line_bytes);
        Self::encode(message)
    }

    /// The message encoded in at most `max` bytes, if that is enough.
    fn bounded(message: &GuestMessage, max: usize) -> Option<Self> {
        if message.timestamp().is_some() {
            let mut unstamped = message.clone();
            unstamped.clear_timestamp();
            return Self::bounded(&unstamped, max);
        }
        let mut out = Bounded { sink: Vec::with_capacity(512), left: max };
        to_ascii(message, &mut out, AsciiFormatter::default()).ok()?;
        let mut bytes = out.sink;
        if bytes.last() == Some(&b'}') {
            bytes.pop();
        }
        bytes.shrink_to_fit();
        Some(Self(bytes))
    }

    /// Length of the line that it becomes, newline not counted; also what it costs in memory while it waits.
    pub fn line_bytes(&self) -> usize {
        self.0.len() + TAIL_BYTES
    }

    /// Appends the whole line to `out`, with the time of writing.
    pub fn finish(&self, timestamp: SystemTime, out: &mut Vec<u8>) {
        out.reserve(self.line_bytes() + 1);
        out.extend_from_slice(&self.0);
        out.extend_from_slice(b",\"timestamp\":\"");
        out.extend_from_slice(rfc3339_millis(timestamp).as_bytes());
        out.extend_from_slice(b"\"}\n");
    }
}

/// How long the encoded message may be, closing brace included, when its line may have `max_line_bytes`.
const fn message_room(max_line_bytes: usize) -> usize {
    max_line_bytes.saturating_add(1).saturating_sub(TAIL_BYTES)
}

/// A value as plain JSON of at most `max` bytes; `None` where it is longer.
pub fn json_within<T: Serialize + ?Sized>(value: &T, max: usize) -> Option<Vec<u8>> {
    let mut out = Bounded { sink: Vec::new(), left: max };
    serde_json::to_writer(&mut out, value).ok()?;
    Some(out.sink)
}

/// Where bytes go that may be `left` more at most.
struct Bounded<S> {
    sink: S,
    left: usize,
}

impl<S: io::Write> io::Write for Bounded<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.sink.write_all(bytes)?;
        Ok(bytes.len())
    }

    // The default loops over `write`, which here takes all or nothing.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Serialises as the wire wants it.
fn to_ascii<T: Serialize + ?Sized>(
    value: &T,
    out: impl io::Write,
    formatter: AsciiFormatter,
) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))
}
