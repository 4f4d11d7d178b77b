//! The fields of `Batch`. What is wrong with one of its commands is told with its place, such as `commands[2].timeout`.

use super::rejection::{Rejection, describe, quote};
use super::{Fields, Key, safe_command, unsafe_command};
use crate::ErrorCode::{InvalidMessage, InvalidParameter};
use crate::batch::{MAX_COMMANDS, Mode, OnError};
use crate::host::{Batch, BatchCommand};
use serde::Deserialize;
use serde::de::value::{Error as NoError, StrDeserializer};
use serde_json::{Map, Value};

/// A `Batch` whose commands have the shape of commands; whether they are allowed is decided elsewhere.
pub(super) fn read(mut fields: Fields) -> Result<Batch, Rejection> {
    let id = fields.id()?;
    let timeout = fields.timeout()?;
    let modes = [("sequential", Mode::Sequential), ("parallel", Mode::Parallel)];
    let mode = chosen(&fields, Key::Mode, modes)?;
    let on_error = chosen(&fields, Key::OnError, [("stop", OnError::Stop), ("continue", OnError::Continue)])?;
    let items = listed(&mut fields)?;
    let commands = items.into_iter().enumerate().map(|(at, item)| command(&fields, at, item));
    let commands = commands.collect::<Result<Vec<_>, _>>()?;
    check_ids(&fields, &id, &commands)?;
    Ok(Batch { id, commands, mode, on_error, timeout })
}

/// One of the words; absent is the default.
fn chosen<T: Default>(fields: &Fields, key: Key, words: [(&str, T); 2]) -> Result<T, Rejection> {
    let Some(value) = fields.get(key) else { return Ok(T::default()) };
    let known = words.iter().map(|(word, _)| quote(word)).collect::<Vec<_>>().join(" or ");
    let code = if value.is_string() { InvalidParameter } else { InvalidMessage };
    let found = words.into_iter().find(|(word, _)| value.as_str() == Some(word));
    found.map(|(_, meaning)| meaning).ok_or_else(|| {
        let error = format!("`{}` must be {known}, not {}", key.name(), describe(value));
        fields.reject(code, key, error)
    })
}

fn listed(fields: &mut Fields) -> Result<Vec<Value>, Rejection> {
    let wrong = |fields: &Fields, code, what: &str| {
        let error = format!("`commands` must be a list of 1 to {MAX_COMMANDS} commands, {what}");
        fields.reject(code, Key::Commands, error)
    };
    match fields.take(Key::Commands) {
        Some(Value::Array(items)) if (1..=MAX_COMMANDS).contains(&items.len()) => Ok(items),
        Some(Value::Array(items)) => Err(wrong(fields, InvalidParameter, &format!("not of {}", items.len()))),
        Some(other) => Err(wrong(fields, InvalidMessage, &format!("not {}", describe(&other)))),
        None => Err(wrong(fields, InvalidMessage, "but it is missing")),
    }
}

fn command(batch: &Fields, at: usize, item: Value) -> Result<BatchCommand, Rejection> {
    let Value::Object(members) = item else {
        let error = format!("`commands[{at}]` must be an object, not {}", describe(&item));
        return Err(batch.reject(InvalidMessage, Key::Commands, error).field(&format!("commands[{at}]")));
    };
    one(Fields::of(members)).map_err(|wrong| placed(batch, at, &wrong))
}

fn one(fields: Fields) -> Result<BatchCommand, Rejection> {
    let wrong = |code, what: &str| {
        let error = format!("`type` must be \"SafeCommand\" or \"UnsafeCommand\", {what}");
        Err(fields.reject(code, Key::Type, error))
    };
    match fields.get(Key::Type) {
        Some(Value::String(kind)) if kind == "SafeCommand" => safe_command(fields).map(BatchCommand::Safe),
        Some(Value::String(kind)) if kind == "UnsafeCommand" => {
            unsafe_command::read(&fields).map(BatchCommand::Unsafe)
        }
        Some(other @ Value::String(_)) => wrong(InvalidParameter, &format!("not {}", describe(other))),
        Some(other) => wrong(InvalidMessage, &format!("not {}", describe(other))),
        None => wrong(InvalidMessage, "but it is missing"),
    }
}

/// What is wrong with a command refuses the whole batch, under the batch's id.
fn placed(batch: &Fields, at: usize, wrong: &Rejection) -> Rejection {
    let field = wrong.details.as_ref().and_then(|details| details.get("field")).and_then(Value::as_str);
    let place = field.map_or(format!("commands[{at}]"), |field| format!("commands[{at}].{field}"));
    let error = format!("in `commands[{at}]`: {}", wrong.error);
    batch.reject(wrong.code, Key::Commands, error).field(&place)
}

/// Each id is answered once, so it may stand here once.
fn check_ids(fields: &Fields, id: &str, commands: &[BatchCommand]) -> Result<(), Rejection> {
    for (at, command) in commands.iter().enumerate() {
        let earlier = commands.iter().take(at).position(|earlier| earlier.id() == command.id());
        let other = match earlier {
            _ if command.id() == id => "of the batch itself".to_owned(),
            Some(earlier) => format!("of `commands[{earlier}]`"),
            None => continue,
        };
        let error = format!("`commands[{at}].id` must not be that {other}: each id is answered once");
        let place = format!("commands[{at}].id");
        return Err(fields.reject(InvalidParameter, Key::Commands, error).field(&place));
    }
    Ok(())
}

impl Fields {
    /// Those of an object within the line, in which no key stands twice.
    fn of(members: Map<String, Value>) -> Self {
        let mut fields = Self::default();
        for (name, value) in members {
            let key = Key::deserialize(StrDeserializer::<NoError>::new(&name)).unwrap_or(Key::Other);
            if let Some(slot) = fields.slot(key) {
                *slot = Some(value);
            }
        }
        fields
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
