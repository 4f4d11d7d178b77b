//! What ordinary users and packages lay out for the agent and for whoever reads its answers.

pub mod bus;
pub mod crowd;
pub mod fuse;
pub mod texts;
pub mod traps;
pub mod unit;

use anyhow::Result;
use infiniservice_e2e::Guest;

/// What a command of mallory's prints; he is an ordinary user.
fn as_mallory(guest: &Guest, command: &str) -> Result<String> {
    guest.sh(&format!("runuser -u mallory -- sh -c '{command}'"))
}
