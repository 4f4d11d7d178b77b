//! The names of the wire's actions, for the policy lists.

use super::suggest;

/// Every action of the contract that a policy can name, in the order of `docs/protocol.md`.
pub const ACTIONS: &[&str] = &[
    "Metrics",
    "ServiceList",
    "ServiceControl",
    "PackageList",
    "PackageInstall",
    "PackageUpdate",
    "PackageRemove",
    "ProcessList",
    "ProcessKill",
    "UpdateCheck",
    "UpdateInstall",
    "WindowsUpdateCheck",
    "WindowsUpdateInstall",
    "WindowsDefenderStatus",
    "WindowsDefenderScan",
    "ApplicationInventory",
    "Autochecks",
    "DiskCleanup",
    "UnsafeCommand",
];

/// The name itself where it is an action's; else what is wrong with it. A misspelt name in `blocked_actions`
/// would block nothing, so it is never let through.
pub(super) fn check(name: &str) -> Result<String, String> {
    if ACTIONS.contains(&name) {
        return Ok(name.into());
    }
    let hint = match suggest::nearest(name, ACTIONS.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the actions are {}", ACTIONS.join(", ")),
    };
    Err(format!("names {}, which is no action; {hint}", super::error::quote(name)))
}
