//! Many hosts: what operators, coordinators and hubs say to each other over an engine, and what they decide.
//!
//! Nothing here reads a clock, a file or a socket. Neither the engine nor a coordinator nor another hub is trusted: what changes
//! machines is signed by an operator, and each hub checks that itself.
#![forbid(unsafe_code)]

#[cfg(test)]
mod fixture;
pub mod layout;
pub mod message;
pub mod name;
pub mod orders;
pub mod planner;
pub mod presence;
pub mod sign;
#[cfg(test)]
mod sim;
pub mod spans;
pub mod subject;
pub mod wave;

pub use layout::Layout;
pub use message::{
    Ask, Command, Control, HubPresence, Order, Plan, Progress, Reply, Resolved, TargetResult, VmPresence,
};
pub use planner::Planner;
pub use sign::{Keys, OperatorKey, Refusal, Signed};

/// Longest id of an order, in characters: a hub's own jobs of it are called `ID.NUMBER`.
pub const MAX_ORDER_ID_CHARS: usize = infiniservice_hub_core::job::MAX_ID_CHARS - ".4294967295".len();
/// Longest name of a hub or a machine, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// Longest text that is signed, in bytes. With its escapes and a command's machines it fits into a message of 1 MiB, the
/// longest that an engine takes unless it is told otherwise.
pub const MAX_BODY_BYTES: usize = 256 << 10;
/// Names of machines in one command, and in what one hub resolves, in bytes.
pub const MAX_NAMES_BYTES: usize = 384 << 10;
/// Waves of one order.
pub const MAX_WAVES: usize = 16;
/// Machines of one order.
pub const MAX_TARGETS: usize = 1_000_000;
/// Longest answer of a guest in a result, in bytes.
pub const MAX_RESULT_BYTES: usize = infiniservice_hub_core::job::MAX_RESULT_BYTES;
/// How far another's clock may be ahead, in milliseconds.
pub const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// A clock for tests: at 2026-11-23T06:30:00Z and so many milliseconds after it.
#[cfg(test)]
pub(crate) fn at_ms(ms: u64) -> infiniservice_protocol::clock::Now {
    let mono = std::time::Duration::from_millis(ms);
    let wall = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_415_400) + mono;
    infiniservice_protocol::clock::Now { mono, wall }
}
