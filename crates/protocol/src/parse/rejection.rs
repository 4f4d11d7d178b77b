//! What is wrong with a line, and the answer that is owed for it. Values of the host stand in its text short and escaped, never
//! raw.

use super::id_scan;
use crate::guest::{ErrorMessage, GuestMessage, Response};
use crate::text::echo;
use crate::{ErrorCode, parse};
use serde_json::{Value, json};

/// The types of a guest's lines in this version.
pub const GUEST_TYPES: [&str; 11] = [
    "system_metrics",
    "keep_alive",
    "response",
    "error",
    "circuit_breaker_state",
    "hello",
    "stream",
    "output",
    "batch_result",
    "channel",
    "z",
];

/// The type of a sealed line, which both sides send: the host's has `kid`, the guest's `to`.
pub const SEALED: &str = "sealed";

/// Characters of the offending line that an answer repeats.
const SHOWN_LINE: usize = 120;

/// A line that is no message of the contract.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {error}")]
pub struct Rejection {
    /// The line's id, where one can be read and is a valid one.
    pub id: Option<String>,
    /// The action's name, else `UnsafeCommand`, else the line's `type`; where one can be read.
    pub command_type: Option<String>,
    /// For programs.
    pub code: ErrorCode,
    /// What was wrong, where, and what is allowed.
    pub error: String,
    /// An object: `field` for a field that is wrong, `line_start` and `byte` for a line that cannot be read.
    pub details: Option<Value>,
    /// The line is one that only guests send: it is never answered, or two that send back what they get would do so for ever.
    pub from_guest: bool,
}

impl Rejection {
    /// A rejection that belongs to no command yet.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { id: None, command_type: None, code, error: error.into(), details: None, from_guest: false }
    }

    /// The answer: a `response` where the line has an id, else an `error`.
    pub fn into_message(self) -> GuestMessage {
        let Some(id) = self.id else {
            let (error, error_code, details) = (self.error, self.code, self.details);
            return GuestMessage::Error(ErrorMessage { error, error_code, details, timestamp: None });
        };
        let command_type = self.command_type.unwrap_or_else(|| "Unknown".into());
        let mut response = Response::failed(id, command_type, self.code, self.error);
        response.data = self.details.unwrap_or_else(|| json!({}));
        GuestMessage::Response(response)
    }

    /// The answer to a line over the bound; always an `error`, whatever id the line began with.
    pub(super) fn too_long(bytes: usize, max_line_bytes: usize) -> Self {
        let error = format!(
            "line discarded: it is longer than max_line_bytes ({max_line_bytes}); {bytes} bytes had \
             arrived so far"
        );
        let details = Some(json!({ "max_line_bytes": max_line_bytes }));
        Self { details, ..Self::new(ErrorCode::MessageTooLarge, error) }
    }

    /// The answer to a line that is not UTF-8.
    pub(super) fn not_utf8(line: &[u8], valid_up_to: usize) -> Self {
        let error = format!("the line is not UTF-8: byte {} is invalid", valid_up_to + 1);
        Self::of_broken_line(line, ErrorCode::InvalidJson, error, valid_up_to + 1)
    }

    /// The answer to a line that `serde_json` refused, or that a visitor of ours refused while it was read.
    pub(super) fn unreadable(line: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let (code, kind) = if error.is_data() {
            (ErrorCode::InvalidMessage, "not a message")
        } else {
            (ErrorCode::InvalidJson, "not JSON")
        };
        // serde repeats what it found, however long that is.
        let text = format!("the line is {kind}: {}, at byte {}", echo(what), error.column());
        Self::of_broken_line(line.as_bytes(), code, text, error.column())
    }

    fn of_broken_line(line: &[u8], code: ErrorCode, error: String, byte: usize) -> Self {
        let id = id_of(line);
        let from_guest = is_of_guest(line);
        let details = Some(json!({ "line_start": line_start(line), "byte": byte }));
        Self { id, details, from_guest, ..Self::new(code, error) }
    }

    pub(super) fn field(mut self, name: &str) -> Self {
        self.details = Some(json!({ "field": name }));
        self
    }

    pub(super) fn with_line_start(mut self, line: &str) -> Self {
        self.details = Some(json!({ "line_start": line_start(line.as_bytes()) }));
        self
    }
}

/// `type` names nothing that we know.
pub(super) fn unknown_type(kind: &str) -> Rejection {
    const KNOWN: &str = "Metrics, SafeCommand, UnsafeCommand, KeepAliveResponse, keep_alive_response, \
                         keep_alive_request, Hello, Cancel, Batch, Subscribe, Unsubscribe or ZReset";
    if kind == "signed" {
        let error =
            "the line is signed, but this agent has no shared_secret to check it with; send it unsigned";
        return Rejection::new(ErrorCode::SignatureInvalid, error);
    }
    if kind == SEALED {
        let error = "the line is sealed, but this agent has no controller_keys by which to open it";
        return Rejection::new(ErrorCode::SignatureInvalid, error);
    }
    let error = format!("type {} is unknown; it must be {KNOWN}", quote(kind));
    Rejection { from_guest: GUEST_TYPES.contains(&kind), ..Rejection::new(ErrorCode::UnknownType, error) }
}

/// The id that a line's answer may carry, whatever else is wrong with the line.
pub(crate) fn id_of(line: &[u8]) -> Option<String> {
    id_scan::find(line, "id").filter(|id| parse::check_id(id).is_ok())
}

/// Whether a line, whole or torn, has a type that only guests send.
pub(crate) fn is_of_guest(line: &[u8]) -> bool {
    let has = |key: &str| id_scan::find(line, key).is_some();
    match id_scan::find(line, "type").as_deref() {
        Some(SEALED) => has("to") && !has("kid"),
        kind => kind.is_some_and(|kind| GUEST_TYPES.contains(&kind)),
    }
}

/// The line's first characters, cut on a character's border.
fn line_start(line: &[u8]) -> String {
    let head = line.get(..SHOWN_LINE * 4).unwrap_or(line);
    String::from_utf8_lossy(head).chars().take(SHOWN_LINE).collect()
}

/// Characters of a text that are shown.
const SHOWN: usize = 40;

/// A text in quotes, control and non-ASCII characters escaped, cut after 40 characters.
pub fn quote(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
    let more = if text.chars().nth(SHOWN).is_some() { "\u{2026}" } else { "" };
    format!("\"{shown}{more}\"")
}

/// What kind of value it is, with the value itself where it is short: `the number 5`, `the text "x"`, `an array`.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => format!("{flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quote(text)),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// What kind of value it is and nothing of the value, for what may be a secret.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A name in quotes, up to the first `=` or U+0000: what follows may be a value that was put into the name.
pub(super) fn quote_name(name: &str) -> String {
    quote(name.split(['=', '\0']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_shown_short_and_escaped() {
        assert_eq!(quote("a\u{1b}[31m\n"), "\"a\\u{1b}[31m\\n\"");
        let long = quote(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), 43);
    }
}
