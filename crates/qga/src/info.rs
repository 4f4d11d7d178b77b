//! `guest-info`: the version, and each command with whether it is on now.

use crate::freeze::FreezeState;
use crate::policy::Policy;
use crate::reply::{Info, SupportedCommand};

/// The version of qemu-ga whose commands are served. Digits and dots only: clients compare it.
pub const VERSION: &str = "11.1.0";

/// The answer.
pub fn info(policy: &Policy, freeze: FreezeState) -> Info {
    let supported = policy.rows().map(|row| SupportedCommand {
        name: row.name.into(),
        enabled: policy.is_on(row) && (row.while_frozen || !freeze.holds_writes()),
        success_response: row.success_response,
    });
    Info { version: VERSION.to_owned(), supported_commands: supported.collect() }
}
