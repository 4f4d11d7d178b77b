//! What the operator decides about commands: which actions may run, and the sentence that names the setting
//! that forbids one.

use super::catalogue::CommandName;
use super::context::Features;
use crate::scheduler::Refusal;
use infiniservice_exec::CommandError;
use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::guest::Capability;
use infiniservice_protocol::{ErrorCode, Limits};
use serde_json::json;

impl CommandSettings {
    /// Refuses an action that the settings forbid.
    pub fn permit(&self, name: &str) -> Result<(), CommandError> {
        self.permit_as(name, name)
    }

    /// The same of one that the host calls `alias`: either name blocks it, and either allows it.
    pub fn permit_as(&self, name: &str, alias: &str) -> Result<(), CommandError> {
        let is_it = |listed: &String| listed == name || listed == alias;
        if self.blocked_actions.iter().any(is_it) {
            return Err(blocked(alias, "the setting `blocked_actions` names it"));
        }
        if self.allowed_actions.as_ref().is_some_and(|allowed| !allowed.iter().any(is_it)) {
            return Err(blocked(alias, "the setting `allowed_actions` does not name it"));
        }
        if name == UNSAFE_COMMAND && !self.allow_unsafe_commands {
            let error = "raw shell commands are off: the setting `allow_unsafe_commands` turns them on";
            return Err(CommandError::new(ErrorCode::UnsafeDisabled, error));
        }
        Ok(())
    }

    /// One capability for each action, for `hello`.
    pub fn capabilities(&self, features: Features) -> Vec<Capability> {
        CommandName::all().map(|command| self.capability(command, features)).collect()
    }

    fn capability(&self, command: CommandName, features: Features) -> Capability {
        let forbidden = self.permit(command.name()).err().map(|e| e.error);
        let reason = forbidden.or_else(|| command.unsupported(features));
        let enabled = reason.is_none();
        Capability { name: command.name().into(), enabled, reason: reason.or_else(|| command.caveat()) }
    }
}

/// Why the books do not take a command.
pub(super) fn refusal(why: Refusal) -> CommandError {
    let (code, error) = match why {
        Refusal::InFlight => (ErrorCode::DuplicateId, "a command with this id is still in flight"),
        Refusal::ReplayCache => {
            let error = "this id was already answered; the answer is no longer kept, or cannot be sent \
                again now, and the command did not run a second time";
            let known = json!({ "already_answered": true });
            return CommandError::new(ErrorCode::DuplicateId, error).with_data(known);
        }
        Refusal::QueueFull => {
            (ErrorCode::QueueFull, "too many commands are waiting; ask again when some have ended")
        }
        Refusal::Closed => (ErrorCode::Cancelled, "the agent is shutting down and accepts no more commands"),
    };
    CommandError::new(code, error)
}

fn blocked(name: &str, why: &str) -> CommandError {
    CommandError::new(ErrorCode::ActionBlocked, format!("{name} is blocked: {why}"))
}

/// Bounds and policy of the executor, taken from the validated settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandSettings {
    /// The wire's bounds: queue, concurrency, captured output, timeouts, replay.
    pub limits: Limits,
    /// Setting `allow_unsafe_commands`: whether `UnsafeCommand` may run at all.
    pub allow_unsafe_commands: bool,
    /// Setting `allowed_actions`: the only actions carried out; all when absent.
    pub allowed_actions: Option<Vec<String>>,
    /// Setting `blocked_actions`: refused even where `allowed_actions` names them.
    pub blocked_actions: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(settings: &CommandSettings, name: &str) -> Option<ErrorCode> {
        settings.permit(name).err().map(|e| e.code)
    }

    #[test]
    fn all_but_raw_commands_are_allowed_by_default() {
        let settings = CommandSettings::default();
        assert_eq!(code(&settings, "ProcessKill"), None);
        assert_eq!(code(&settings, UNSAFE_COMMAND), Some(ErrorCode::UnsafeDisabled));
    }

    #[test]
    fn a_blocked_action_is_refused_even_where_it_is_allowed_and_the_setting_is_named() {
        let lists = vec!["ProcessKill".to_owned()];
        let settings = CommandSettings {
            allowed_actions: Some(lists.clone()),
            blocked_actions: lists,
            ..CommandSettings::default()
        };
        let error = settings.permit("ProcessKill").unwrap_err();
        assert_eq!(error.code, ErrorCode::ActionBlocked);
        assert!(error.error.contains("blocked_actions"), "{error}");
    }

    #[test]
    fn what_the_list_of_allowed_actions_leaves_out_is_refused() {
        let settings = CommandSettings {
            allowed_actions: Some(vec!["ServiceList".into()]),
            ..CommandSettings::default()
        };
        assert_eq!(code(&settings, "ServiceList"), None);
        assert!(settings.permit("ProcessList").unwrap_err().error.contains("allowed_actions"));
    }

    #[test]
    fn of_an_action_with_two_names_either_blocks_it_and_either_allows_it() {
        for listed in ["UpdateCheck", "CheckLinuxUpdates"] {
            let names = vec![listed.to_owned()];
            let blocking = CommandSettings { blocked_actions: names.clone(), ..CommandSettings::default() };
            assert!(blocking.permit_as("UpdateCheck", "CheckLinuxUpdates").is_err());
            let allowing = CommandSettings { allowed_actions: Some(names), ..CommandSettings::default() };
            assert!(allowing.permit_as("UpdateCheck", "CheckLinuxUpdates").is_ok());
            assert!(
                allowing.permit_as("UpdateCheck", "CheckApplicationUpdates").is_ok()
                    == (listed == "UpdateCheck")
            );
        }
    }

    #[test]
    fn names_are_compared_exactly() {
        let settings =
            CommandSettings { blocked_actions: vec!["process".into()], ..CommandSettings::default() };
        assert_eq!(code(&settings, "ProcessList"), None);
    }

    #[test]
    fn hello_lists_each_action_once_with_the_reason_where_it_is_off() {
        let settings =
            CommandSettings { blocked_actions: vec!["ProcessKill".into()], ..CommandSettings::default() };
        let capabilities = settings.capabilities(Features { systemd: true, packages: true });
        let reason = |name: &str| capabilities.iter().find(|c| c.name == name).and_then(|c| c.reason.clone());
        assert_eq!(capabilities.len(), CommandName::all().count());
        assert_eq!(reason("ServiceList"), None);
        assert!(reason("ProcessKill").unwrap().contains("blocked_actions"));
        assert!(reason(UNSAFE_COMMAND).unwrap().contains("allow_unsafe_commands"));
    }
}
