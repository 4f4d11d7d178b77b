//! What a kind of host wants otherwise than the native protocol has it: first lines, spelling, who leads the keep-alive.
//!
//! Framing, signing, outbox, back-off and the port's state are the link's own, whatever the dialect.

use infiniservice_protocol::GuestMessage;
use serde_json::{Map, Value};
use std::fmt::Debug;
use std::time::Duration;

/// A line that only a dialect has: it holds a `type` and no `timestamp`, which its writer adds.
pub type Line = Map<String, Value>;

/// One kind of host. With a dialect the host leads the keep-alive: no heartbeat is sent, and its silence is normal.
pub trait Dialect: Debug + Send + Sync {
    /// What each connection begins with.
    fn greeting(&self) -> Vec<Line>;

    /// The message as this kind of host reads it.
    fn spell(&self, message: &GuestMessage) -> Line;

    /// Whether a line of this type, which the native protocol does not have, is the host's: it is delivered whole.
    fn is_of_host(&self, kind: &str) -> bool;

    /// Whether a line of this type, which the native protocol does not have, is the agent's own, sent back.
    fn is_of_guest(&self, kind: &str) -> bool;

    /// What is said of a line that was longer than allowed.
    fn too_long(&self, bytes: usize) -> Line;

    /// Nothing is carried out: pings are answered, all else is refused by one sentence.
    fn locked(&self) -> Option<&'static str>;

    /// Least time between two `error` lines of one code.
    fn error_period(&self) -> Duration;
}

/// A line of the dialect's for the host.
#[derive(Debug)]
pub struct Said {
    /// The line.
    pub line: Line,
    /// Told by [`super::Action::Left`] when the line was taken whole; such a line waits for a host that is away, and others
    /// are dropped.
    pub receipt: Option<u64>,
}
