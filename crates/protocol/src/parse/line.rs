//! One line to its known fields. Unknown fields are passed over without building anything.

use super::fields::Fields;
use super::rejection::Rejection;
use super::value::{Bounded, Budget};
use serde::Deserialize;
use serde::de::{Deserializer as _, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// The fields that some message of the host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(super) enum Key {
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
    #[serde(other)]
    Other,
}

impl Key {
    /// How many known keys there are.
    pub(super) const COUNT: usize = Self::Other as usize;

    /// The key as it stands on the wire.
    pub(super) const fn name(self) -> &'static str {
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
            Self::Other => "",
        }
    }
}

/// Reads the line's object. `serde_json` itself refuses nesting deeper than 128 in the fields that are read.
pub(super) fn read(line: &str) -> Result<Fields, Rejection> {
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
