//! The messages of the fleet, as JSON. What is signed refuses unknown fields; all other readers skip them.

mod ask;
mod command;
mod order;
mod plan;
mod presence;
mod result;

pub use ask::{Ask, Reply, Resolved};
pub use command::Command;
pub use order::{Checked, Control, Order, What, Wrong};
pub use plan::{Missing, Part, Plan, Progress, Stage};
pub use presence::{HubPresence, VmPresence};
pub use result::TargetResult;

use serde::Serialize;

/// A message's text.
pub fn text<T: Serialize>(message: &T) -> String {
    // Infallible: every key is a text, and nothing here serialises by hand in a way that fails.
    serde_json::to_string(message).unwrap_or_default()
}
