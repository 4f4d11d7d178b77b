//! Settings that are one of a few words, as types: whether the QEMU guest agent's port is served, with the names of its commands, and
//! the kind of host.

use super::field::{FromValue, Value};
use infiniservice_channel::transport::role::Search;

/// The setting `qga`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestAgentMode {
    /// Where no other program is there to do it.
    Auto,
    /// In any case; while another program holds the port it is waited for.
    On,
    /// Not at all.
    Off,
}

impl GuestAgentMode {
    /// Which ports the agent's own link looks for: where the other protocol is turned off, its ports can stand in for the
    /// agent's own.
    pub fn search(self) -> Search {
        if self == Self::Off { Search::AgentOrGuestAgent } else { Search::Agent }
    }
}

impl FromValue for GuestAgentMode {
    fn from_value(value: &Value) -> Option<Self> {
        match String::from_value(value)?.as_str() {
            "auto" => Some(Self::Auto),
            "true" => Some(Self::On),
            "false" => Some(Self::Off),
            _ => None,
        }
    }
}

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
