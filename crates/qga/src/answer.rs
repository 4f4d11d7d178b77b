//! Answers as lines: one for each request, ended by one newline, ASCII only. They wait to be written, and die with the generation
//! that asked for them.

use crate::error::Error;
use crate::json::Json;
use crate::limits::{MAX_ANSWER_BYTES, MAX_ID_BYTES};
use infiniservice_protocol::encode::escape;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::collections::VecDeque;
use std::io;

/// Begins the answer of `guest-sync-delimited`: a byte that no text has.
const SENTINEL: u8 = 0xFF;

/// An answer as it stands on the wire.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    value: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Json>,
}

/// The line of a success. `Err`: it would be longer than clients take, this long.
pub fn success(value: &impl Serialize, id: Option<&Json>) -> Result<Vec<u8>, usize> {
    let line = encode(&Line { value: Some(value), error: None, id });
    if line.len() > MAX_ANSWER_BYTES { Err(line.len()) } else { Ok(line) }
}

/// The line of an error.
pub fn failure(error: &Error, id: Option<&Json>) -> Vec<u8> {
    encode(&Line::<()> { value: None, error: Some(error), id })
}

/// The same line, as it answers `guest-sync-delimited`.
pub fn delimited(mut line: Vec<u8>) -> Vec<u8> {
    line.insert(0, SENTINEL);
    line
}

/// Whether this `id` can be given back.
pub fn fits(id: &Json) -> bool {
    encode(id).len() <= MAX_ID_BYTES
}

/// What serialises to no JSON answers as an empty line would: never, as all types are ours and have text keys.
fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(64);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Ascii);
    let written = value.serialize(&mut serializer);
    debug_assert!(written.is_ok(), "{written:?}");
    line.push(b'\n');
    line
}

/// Escapes what is not ASCII.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        for part in text.split_inclusive(|c: char| !c.is_ascii()) {
            let last = part.chars().next_back().filter(|c| !c.is_ascii());
            let plain = part.len() - last.map_or(0, char::len_utf8);
            out.write_all(part.as_bytes().get(..plain).unwrap_or_default())?;
            last.map_or(Ok(()), |last| escape(out, last))?;
        }
        Ok(())
    }
}

/// Lines in order, and how much of the first one the port has taken.
#[derive(Debug, Default)]
pub struct Outbox {
    lines: VecDeque<Vec<u8>>,
    written: usize,
    bytes: usize,
}

impl Outbox {
    /// One more line.
    pub fn push(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    /// The rest of the first line; empty: nothing waits.
    pub fn pending(&self) -> &[u8] {
        self.lines.front().and_then(|line| line.get(self.written..)).unwrap_or_default()
    }

    /// The port took this many bytes of [`Self::pending`].
    pub fn wrote(&mut self, count: usize) {
        let Some(length) = self.lines.front().map(Vec::len) else { return };
        self.written = self.written.saturating_add(count).min(length);
        if self.written == length {
            self.lines.pop_front();
            self.bytes -= length;
            self.written = 0;
        }
    }

    /// The host left: nothing of it may reach the next one, the rest of a line least of all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ascii_is_written_as_units_of_utf_16() {
        let id = Json::Text("hé😀\u{7f}x\"\n".to_owned());
        let line = success(&1, Some(&id)).unwrap();
        let wanted = "{\"return\":1,\"id\":\"h\\u00e9\\ud83d\\ude00\u{7f}x\\\"\\n\"}\n";
        assert_eq!(String::from_utf8(line).unwrap(), wanted);
    }

    #[test]
    fn an_answer_that_libvirt_could_not_take_is_none() {
        let text = "x".repeat(MAX_ANSWER_BYTES);
        assert!(success(&text, None).is_err());
        assert!(success(&"x".repeat(MAX_ANSWER_BYTES - 100), None).is_ok());
    }
}
