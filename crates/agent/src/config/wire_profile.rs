//! Kinds of hosts.

use super::field::{FromValue, Value};

/// What the lines on the port are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireProfile {
    /// As docs/protocol.md has it.
    #[default]
    Native,
    /// As docs/infinibay.md has it.
    Infinibay,
}

impl FromValue for WireProfile {
    fn from_value(value: &Value) -> Option<Self> {
        match String::from_value(value)?.as_str() {
            "native" => Some(Self::Native),
            "infinibay" => Some(Self::Infinibay),
            _ => None,
        }
    }
}
