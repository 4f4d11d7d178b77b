//! What a port is to the agent, and which ones are looked for.

use serde::Serialize;

/// Which ports are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// The agent's own, and unnamed ones that can stand in for it.
    #[default]
    Agent,
    /// The same, and the QEMU guest agent's ports too.
    AgentOrGuestAgent,
    /// The QEMU guest agent's alone, for its own protocol.
    GuestAgent,
    /// The agent's second one, for bulk.
    Bulk,
}

impl Search {
    /// Whether a port of this role is among them.
    pub fn takes(self, role: Role) -> bool {
        match role {
            Role::Bulk => self == Self::Bulk,
            _ if self == Self::Bulk => false,
            Role::GuestAgent => self != Self::Agent,
            _ => self != Self::GuestAgent,
        }
    }

    /// Whether a port of this role is what is looked for, not a substitute of it.
    pub fn wants(self, role: Role) -> bool {
        role.is_own() || (role == Role::GuestAgent && self == Self::GuestAgent) || role == Role::Bulk
    }
}

/// What a port is to the agent; the order of the variants is the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Given by the configuration.
    Configured,
    /// The agent's own.
    Agent,
    /// The QEMU guest agent's, for its own protocol.
    GuestAgent,
    /// The agent's second one, for bulk.
    Bulk,
    /// Unnamed, and the first of its controller (`vport*p1`).
    First,
    /// Unnamed, any other.
    Unnamed,
    /// Another product's.
    Foreign,
}

impl Role {
    /// Whether the device was meant for the agent; else it is a substitute, or none of its business.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Configured | Self::Agent)
    }
}
