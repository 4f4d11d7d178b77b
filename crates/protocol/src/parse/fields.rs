//! The known fields of a line, and the checks of those that several messages have.

use super::describe::describe;
use super::line::Key;
use super::rejection::{self, Rejection};
use super::{MAX_ID_CHARS, MAX_SEQUENCE_NUMBER, MAX_TYPE_CHARS};
use crate::ErrorCode::{self, InvalidMessage};
use crate::number;
use serde_json::Value;

/// The fields as they stood, unchecked.
#[derive(Default)]
pub(super) struct Fields {
    values: [Option<Value>; Key::COUNT],
}

impl Fields {
    /// A known key's place.
    pub(super) fn slot(&mut self, key: Key) -> Option<&mut Option<Value>> {
        self.values.get_mut(key as usize)
    }

    /// A field's value; `null` is the same as absent.
    pub(super) fn get(&self, key: Key) -> Option<&Value> {
        self.values.get(key as usize)?.as_ref().filter(|value| !value.is_null())
    }

    /// A field's value, taken out.
    pub(super) fn take(&mut self, key: Key) -> Option<Value> {
        self.slot(key)?.take().filter(|value| !value.is_null())
    }

    /// `type`; `line` is shown in the answer when there is none.
    pub(super) fn kind(&self, line: &str) -> Result<&str, Rejection> {
        let error = match self.get(Key::Type) {
            Some(Value::String(kind)) => return Ok(kind),
            Some(other) => format!("`type` must be a string that names the message, not {}", describe(other)),
            None => "the field `type` is missing; it names the message, such as \"Metrics\"".into(),
        };
        Err(self.reject(InvalidMessage, Key::Type, error).with_line_start(line))
    }

    /// `id`, which must be there.
    pub(super) fn id(&self) -> Result<String, Rejection> {
        self.optional_id()?.ok_or_else(|| {
            let error = "the field `id` is missing; it must be a string, which the response repeats";
            self.reject(InvalidMessage, Key::Id, error)
        })
    }

    /// `id`, where there is one.
    pub(super) fn optional_id(&self) -> Result<Option<String>, Rejection> {
        let wrong = |error| self.reject(InvalidMessage, Key::Id, error);
        match self.get(Key::Id) {
            None => Ok(None),
            Some(Value::String(id)) => check_id(id).map(|()| Some(id.clone())).map_err(wrong),
            Some(other) => Err(wrong(format!("`id` must be a string, not {}", describe(other)))),
        }
    }

    /// `sequence_number`, which must be there.
    pub(super) fn sequence_number(&self) -> Result<u64, Rejection> {
        let wrong = |what: String| {
            let error =
                format!("`sequence_number` must be an integer from 0 to {MAX_SEQUENCE_NUMBER}, {what}");
            self.reject(InvalidMessage, Key::SequenceNumber, error)
        };
        let value = self.get(Key::SequenceNumber).ok_or_else(|| wrong("but it is missing".into()))?;
        let number = number::integer(value).and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| *number <= MAX_SEQUENCE_NUMBER);
        number.ok_or_else(|| wrong(format!("not {}", describe(value))))
    }

    /// `timeout` in seconds; absent and 0 are `None`. What is beyond any clock is as long as can be said.
    pub(super) fn timeout(&self) -> Result<Option<u64>, Rejection> {
        let Some(value) = self.get(Key::Timeout) else { return Ok(None) };
        let seconds = number::integer(value).filter(|seconds| *seconds >= 0).ok_or_else(|| {
            let error = format!(
                "`timeout` must be a whole number of seconds from 0 (the action's default), not {}",
                describe(value)
            );
            self.reject(InvalidMessage, Key::Timeout, error)
        })?;
        Ok(Some(u64::try_from(seconds).unwrap_or(u64::MAX)).filter(|seconds| *seconds > 0))
    }

    /// A rejection that carries the line's id and command where they can be told.
    pub(super) fn reject(&self, code: ErrorCode, key: Key, error: impl Into<String>) -> Rejection {
        let id = self.get(Key::Id).and_then(Value::as_str).filter(|id| check_id(id).is_ok());
        let mut rejection = Rejection::new(code, error).field(key.name());
        rejection.id = id.map(str::to_owned);
        rejection.command_type = self.command_name();
        rejection
    }

    /// The line's `type` names nothing of the contract.
    pub(super) fn unknown_type(&self, kind: &str) -> Rejection {
        let Rejection { from_guest, code, error, .. } = rejection::unknown_type(kind);
        Rejection { from_guest, ..self.reject(code, Key::Type, error) }
    }

    /// The action's name where there is one, else the line's type.
    fn command_name(&self) -> Option<String> {
        let action = self.get(Key::CommandType).and_then(|command| command.get("action"));
        let name = action.and_then(Value::as_str).or_else(|| self.get(Key::Type).and_then(Value::as_str));
        name.map(|name| name.chars().filter(|c| !c.is_control()).take(MAX_TYPE_CHARS).collect())
    }
}

/// Whether a text may be an id; the error says what is wrong.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("`id` must not be empty".into());
    }
    if id.chars().nth(MAX_ID_CHARS).is_some() {
        return Err(format!(
            "`id` must be at most {MAX_ID_CHARS} characters long, not {}",
            id.chars().count()
        ));
    }
    if id.chars().any(char::is_control) {
        return Err("`id` must not contain control characters".into());
    }
    Ok(())
}
