//! The names of the wire's actions, for the policy lists.

use super::suggest;
use infiniservice_protocol::ActionName;
use infiniservice_protocol::action::UNSAFE_COMMAND;

/// Messages that are no actions, so that no policy forbids them.
const ALWAYS: [&str; 5] =
    ["Metrics", "Hello", "KeepAliveResponse", "keep_alive_response", "keep_alive_request"];

/// Every name that a policy can hold, in the contract's order.
pub fn all() -> impl Iterator<Item = &'static str> {
    ActionName::ALL.into_iter().map(ActionName::name).chain([UNSAFE_COMMAND])
}

/// The name itself where it is an action's; else what is wrong with it. A misspelt name in `blocked_actions`
/// would block nothing, so it is never let through.
pub(super) fn check(name: &str) -> Result<String, String> {
    if all().any(|known| known == name) {
        return Ok(name.into());
    }
    let hint = match suggest::nearest(name, all()) {
        _ if ALWAYS.contains(&name) => " (it is always answered)".to_owned(),
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    let actions = all().collect::<Vec<_>>().join(", ");
    Err(format!(
        "names {}, which is not an action{hint}; the actions are {actions}",
        super::error::quote(name)
    ))
}
