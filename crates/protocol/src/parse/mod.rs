//! Lines to messages: the host's for the agent, the guest's for `infinictl`.
//!
//! The host's lines are checked to the last field, and whatever is wrong becomes a [`Rejection`]: a value with the
//! answer that is owed for it. Unknown fields are passed over without building anything.

mod batch;
mod budget;
mod guest_line;
mod hello;
pub(crate) mod id_scan;
mod rejection;
mod subscribe;
mod unsafe_command;

use crate::ErrorCode::{self, InvalidMessage};
use crate::codec::LineItem;
use crate::envelope::claimed_id;
use crate::host::{HostMessage, SafeCommand, Traced};
use crate::number::{self, MAX_SAFE_INTEGER};
use crate::text::head;
use crate::trace::TraceContext;
pub use budget::MAX_VALUES;
use budget::{Bounded, Budget};
pub use guest_line::{GuestLine, measure_guest_line, parse_guest_line};
use rejection::kind;
pub use rejection::{GUEST_TYPES, Rejection, SEALED, describe, quote};
pub(crate) use rejection::{id_of, is_of_guest};
use serde::Deserialize;
use serde::de::{Deserializer as _, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Longest id, in characters.
pub(crate) const MAX_ID_CHARS: usize = 256;

/// Largest `sequence_number`: it must come back unchanged, and no larger integer ever leaves the guest.
pub(crate) const MAX_SEQUENCE_NUMBER: u64 = MAX_SAFE_INTEGER;

/// Longest name of a command that an answer repeats, in characters.
const MAX_TYPE_CHARS: usize = 64;

/// An item of the codec to a message. `max_line_bytes` is named in the answer to an oversized line.
pub fn parse_host_item(item: &LineItem, max_line_bytes: usize) -> Result<HostMessage, Rejection> {
    match item {
        LineItem::Line(line) => parse_host_line(line),
        LineItem::TooLong { bytes } => Err(Rejection::too_long(*bytes, max_line_bytes)),
        LineItem::InvalidUtf8 { line, valid_up_to } => Err(Rejection::not_utf8(line, *valid_up_to)),
    }
}

/// One line of the host to a message. Cheap for a good line: nothing is built but what the message holds.
pub fn parse_host_line(line: &str) -> Result<HostMessage, Rejection> {
    let fields = read_fields(line)?;
    let (is_traced, context) = (fields.get(Key::Traceparent).is_some(), fields.trace());
    let message = message(fields, line)?;
    if is_traced && message.may_be_traced() {
        return Ok(HostMessage::Traced(Traced { context, message: Box::new(message) }));
    }
    Ok(message)
}

fn message(fields: Fields, line: &str) -> Result<HostMessage, Rejection> {
    match fields.kind(line)? {
        "Metrics" => Ok(HostMessage::Metrics { id: fields.optional_id()? }),
        "Hello" => hello::read(&fields),
        "ZReset" => Ok(HostMessage::ZReset),
        "Cancel" => Ok(HostMessage::Cancel { id: fields.id()?, target: fields.target()? }),
        "Subscribe" => subscribe::subscribe(&fields).map(HostMessage::Subscribe),
        "Unsubscribe" => subscribe::unsubscribe(&fields).map(HostMessage::Unsubscribe),
        "SafeCommand" => safe_command(fields).map(HostMessage::SafeCommand),
        "Batch" => batch::read(fields).map(HostMessage::Batch),
        "UnsafeCommand" => unsafe_command::read(&fields).map(HostMessage::UnsafeCommand),
        "KeepAliveResponse" | "keep_alive_response" => {
            Ok(HostMessage::KeepAliveResponse { sequence_number: fields.sequence_number()? })
        }
        "keep_alive_request" => {
            Ok(HostMessage::KeepAliveRequest { sequence_number: fields.sequence_number()? })
        }
        unknown => Err(Rejection {
            id: claimed_id(line.as_bytes()),
            from_guest: is_of_guest(line.as_bytes()),
            ..fields.unknown_type(unknown)
        }),
    }
}

/// The fields that some message of the host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Type,
    Id,
    CommandType,
    Params,
    Timeout,
    RawCommand,
    Shell,
    WorkingDir,
    EnvVars,
    RunAs,
    SequenceNumber,
    Target,
    Progress,
    Subscription,
    IntervalMs,
    Fields,
    LeaseSecs,
    Commands,
    Mode,
    OnError,
    Traceparent,
    Tracestate,
    Accept,
    #[serde(other)]
    Other,
}

impl Key {
    /// How many known keys there are.
    const COUNT: usize = Self::Other as usize;

    /// The key as it stands on the wire.
    const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Id => "id",
            Self::CommandType => "command_type",
            Self::Params => "params",
            Self::Timeout => "timeout",
            Self::RawCommand => "raw_command",
            Self::Shell => "shell",
            Self::WorkingDir => "working_dir",
            Self::EnvVars => "env_vars",
            Self::RunAs => "run_as",
            Self::SequenceNumber => "sequence_number",
            Self::Target => "target",
            Self::Progress => "progress",
            Self::Subscription => "subscription",
            Self::IntervalMs => "interval_ms",
            Self::Fields => "fields",
            Self::LeaseSecs => "lease_secs",
            Self::Commands => "commands",
            Self::Mode => "mode",
            Self::OnError => "on_error",
            Self::Traceparent => "traceparent",
            Self::Tracestate => "tracestate",
            Self::Accept => "accept",
            Self::Other => "",
        }
    }
}

/// Reads the line's object. `serde_json` itself refuses nesting deeper than 128 in the fields that are read.
fn read_fields(line: &str) -> Result<Fields, Rejection> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let fields =
        deserializer.deserialize_any(LineVisitor).and_then(|fields| deserializer.end().map(|()| fields));
    fields.map_err(|error| Rejection::unreadable(line, &error))
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object with a `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let budget = Budget::new();
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Key>()? {
            let Some(slot) = fields.slot(key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // Which of two equal keys wins is up to each JSON reader, so a line that leaves it open is refused.
            if slot.is_some() {
                return Err(A::Error::custom(format!("duplicate key `{}`", key.name())));
            }
            *slot = Some(map.next_value_seed(Bounded(&budget))?);
        }
        Ok(fields)
    }
}

/// The fields as they stood, unchecked.
#[derive(Default)]
struct Fields {
    values: [Option<Value>; Key::COUNT],
}

impl Fields {
    /// A known key's place.
    fn slot(&mut self, key: Key) -> Option<&mut Option<Value>> {
        self.values.get_mut(key as usize)
    }

    /// A field's value; `null` is the same as absent.
    fn get(&self, key: Key) -> Option<&Value> {
        self.values.get(key as usize)?.as_ref().filter(|value| !value.is_null())
    }

    /// A field's value, taken out.
    fn take(&mut self, key: Key) -> Option<Value> {
        self.slot(key)?.take().filter(|value| !value.is_null())
    }

    /// `traceparent` and `tracestate`; `None` where they are malformed, which refuses nothing.
    fn trace(&self) -> Option<TraceContext> {
        let state = self.get(Key::Tracestate).and_then(Value::as_str);
        TraceContext::read(self.get(Key::Traceparent)?.as_str()?, state)
    }

    /// `type`; `line` is shown in the answer when there is none.
    fn kind(&self, line: &str) -> Result<&str, Rejection> {
        let error = match self.get(Key::Type) {
            Some(Value::String(kind)) => return Ok(kind),
            Some(other) => format!("`type` must be a string that names the message, not {}", describe(other)),
            None => "the field `type` is missing; it names the message, such as \"Metrics\"".into(),
        };
        Err(self.reject(InvalidMessage, Key::Type, error).with_line_start(line))
    }

    /// `id`, which must be there.
    fn id(&self) -> Result<String, Rejection> {
        self.optional_id()?.ok_or_else(|| {
            let error = "the field `id` is missing; it must be a string, which the response repeats";
            self.reject(InvalidMessage, Key::Id, error)
        })
    }

    /// `id`, where there is one.
    fn optional_id(&self) -> Result<Option<String>, Rejection> {
        let wrong = |error| self.reject(InvalidMessage, Key::Id, error);
        match self.get(Key::Id) {
            None => Ok(None),
            Some(Value::String(id)) => check_id(id).map(|()| Some(id.clone())).map_err(wrong),
            Some(other) => Err(wrong(format!("`id` must be a string, not {}", describe(other)))),
        }
    }

    /// `target`, which must be there: the id of another command.
    fn target(&self) -> Result<String, Rejection> {
        let wrong = |error: String| self.reject(InvalidMessage, Key::Target, error);
        match self.get(Key::Target) {
            None => Err(wrong("the field `target` is missing; it must be the id of a command".into())),
            Some(Value::String(id)) => {
                check_id(id).map(|()| id.clone()).map_err(|error| wrong(error.replace("`id`", "`target`")))
            }
            Some(other) => Err(wrong(format!("`target` must be a string, not {}", describe(other)))),
        }
    }

    /// `progress`; absent is false.
    fn progress(&self) -> Result<bool, Rejection> {
        match self.get(Key::Progress) {
            None => Ok(false),
            Some(Value::Bool(wanted)) => Ok(*wanted),
            Some(other) => {
                let error = format!("`progress` must be true or false, not {}", describe(other));
                Err(self.reject(InvalidMessage, Key::Progress, error))
            }
        }
    }

    /// `sequence_number`, which must be there.
    fn sequence_number(&self) -> Result<u64, Rejection> {
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
    fn timeout(&self) -> Result<Option<u64>, Rejection> {
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
    fn reject(&self, code: ErrorCode, key: Key, error: impl Into<String>) -> Rejection {
        let id = self.get(Key::Id).and_then(Value::as_str).filter(|id| check_id(id).is_ok());
        let mut rejection = Rejection::new(code, error).field(key.name());
        rejection.id = id.map(str::to_owned);
        rejection.command_type = self.command_name();
        rejection
    }

    /// The line's `type` names nothing of the contract.
    fn unknown_type(&self, kind: &str) -> Rejection {
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

/// A `SafeCommand`: its envelope is checked here, its parameters by `Action::parse`.
fn safe_command(mut fields: Fields) -> Result<SafeCommand, Rejection> {
    let id = fields.id()?;
    let timeout = fields.timeout()?;
    let progress = fields.progress()?;
    let action = action_name(&fields)?;
    let params = merged_params(&mut fields)?;
    Ok(SafeCommand { id, action, params, timeout, progress })
}

fn action_name(fields: &Fields) -> Result<String, Rejection> {
    let wrong = |error: String| Err(fields.reject(InvalidMessage, Key::CommandType, error));
    match fields.get(Key::CommandType) {
        None => wrong("the field `command_type` is missing; it must be an object with an `action`".into()),
        Some(Value::Object(command)) => match command.get("action") {
            // No action has so long a name, and the answer repeats it.
            Some(Value::String(action)) => Ok(head(action).to_owned()),
            Some(other) => wrong(format!("`command_type.action` must be a string, not {}", describe(other))),
            None => {
                wrong("`command_type.action` is missing; it names the action, such as \"ServiceList\"".into())
            }
        },
        Some(other) => {
            wrong(format!("`command_type` must be an object with an `action`, not {}", describe(other)))
        }
    }
}

/// Parameters from beside `action`, then `command_type.params`, then `params`: the first that has one wins.
fn merged_params(fields: &mut Fields) -> Result<Map<String, Value>, Rejection> {
    let mut params = Map::new();
    if let Some(Value::Object(mut command)) = fields.take(Key::CommandType) {
        command.remove("action");
        let inner = command.remove("params");
        params = command;
        params.retain(|_, value| !value.is_null());
        fill(&mut params, inner)
            .map_err(|got| not_params(fields, Key::CommandType, "command_type.params", &got))?;
    }
    let outer = fields.take(Key::Params);
    fill(&mut params, outer).map_err(|got| not_params(fields, Key::Params, "params", &got))?;
    Ok(params)
}

/// Adds what is not there yet; a parameter that is `null` is absent.
fn fill(params: &mut Map<String, Value>, more: Option<Value>) -> Result<(), Value> {
    match more {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(more)) => {
            for (name, value) in more.into_iter().filter(|(_, value)| !value.is_null()) {
                params.entry(name).or_insert(value);
            }
            Ok(())
        }
        Some(other) => Err(other),
    }
}

fn not_params(fields: &Fields, key: Key, name: &str, got: &Value) -> Rejection {
    let error = format!("`{name}` must be null or an object of parameters, not {}", kind(got));
    fields.reject(InvalidMessage, key, error)
}

/// Whether a text may be an id; the error says what is wrong.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace_tests;
