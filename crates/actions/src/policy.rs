//! Which commands may run here, and how: each command of the contract with its class and its time, whether this machine can
//! carry it out, and what the operator decides about it, with the sentence that names the setting that forbids one.

use super::context::Features;
use super::packages;
use super::safe::{self, Needs};
use crate::scheduler::{ConcurrencyClass, Refusal};
use crate::scripts::ScriptSettings;
use infiniservice_exec::{CommandError, containment};
use infiniservice_protocol::action::{Effect, UNSAFE_COMMAND, UNSAFE_COMMAND_TIMEOUT_SECS};
use infiniservice_protocol::guest::Capability;
use infiniservice_protocol::{ActionName, ErrorCode, Limits};
use serde_json::json;
use std::time::Duration;

/// The shortest timeout of a change of packages, in seconds: what it looks at beforehand takes a moment, and a host that gives up
/// sooner only learns nothing.
const CHANGE_LEAST_SECS: u64 = 10;

/// A command's name: an action's, or that of the raw shell command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandName {
    /// A safe command.
    Safe(ActionName),
    /// The raw one.
    Unsafe,
}

impl CommandName {
    /// All of them, in the contract's order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ActionName::ALL.into_iter().map(Self::Safe).chain([Self::Unsafe])
    }

    /// The name as it stands on the wire and in the policy lists.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Safe(action) => action.name(),
            Self::Unsafe => UNSAFE_COMMAND,
        }
    }

    /// The command of this exact name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::all().find(|command| command.name() == name)
    }

    /// What it may do beside others.
    pub(crate) const fn class(self) -> ConcurrencyClass {
        match self {
            // The machine does not go while this agent changes its packages.
            Self::Safe(action) => match action.facts().effect {
                Effect::Reads => ConcurrencyClass::Read,
                Effect::Changes => ConcurrencyClass::Change,
                Effect::ChangesPackages | Effect::EndsTheMachine => ConcurrencyClass::Packages,
            },
            Self::Unsafe => ConcurrencyClass::Change,
        }
    }

    /// How long it may run: what the host asks for, at most `max_secs`; absent or 0 means the default.
    pub(crate) fn timeout(self, asked_secs: Option<u64>, max_secs: u64) -> Duration {
        let default = match self {
            Self::Safe(action) => action.default_timeout_secs(),
            Self::Unsafe => UNSAFE_COMMAND_TIMEOUT_SECS,
        };
        let asked = asked_secs.filter(|secs| *secs > 0).unwrap_or(default);
        let least = if self.class() == ConcurrencyClass::Packages { CHANGE_LEAST_SECS } else { 1 };
        Duration::from_secs(asked.max(least).min(max_secs).max(1))
    }

    /// Why it cannot be carried out here, in one sentence; `None` where it can.
    pub(crate) fn unsupported(self, features: Features) -> Option<String> {
        if let Self::Safe(action) = self
            && !action.platforms().include(std::env::consts::OS)
        {
            return Some(elsewhere(action));
        }
        match self.needs() {
            Needs::Nothing => None,
            Needs::Services if features.systemd || std::env::consts::OS == "windows" => None,
            Needs::Services => Some("needs systemd as the init system, which is not running here".into()),
            Needs::Packages if features.packages => None,
            Needs::Packages => {
                Some(format!("needs a supported package manager ({}); there is none here", packages::names()))
            }
        }
    }

    /// What is missing where it can be carried out all the same.
    pub(crate) fn caveat(self) -> Option<String> {
        let starts_much = self == Self::Unsafe || self.class() == ConcurrencyClass::Packages;
        containment::missing().filter(|_| starts_much).map(str::to_owned)
    }

    const fn needs(self) -> Needs {
        match self {
            Self::Safe(action) => safe::needs(action),
            Self::Unsafe => Needs::Nothing,
        }
    }
}

fn elsewhere(action: ActionName) -> String {
    match action.counterpart() {
        Some(counterpart) => format!("it does not exist on this platform; use {counterpart} instead"),
        None => "it does not exist on this platform, and has no counterpart here".into(),
    }
}

/// Bounds and policy of the executor, taken from the validated settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandSettings {
    /// The wire's bounds: queue, concurrency, captured output, timeouts, replay.
    pub limits: Limits,
    /// Setting `allow_unsafe_commands`: whether `UnsafeCommand` may run at all.
    pub allow_unsafe_commands: bool,
    /// Setting `allow_scripts`: whether scripts may run at all.
    pub allow_scripts: bool,
    /// How scripts are run and told.
    pub scripts: ScriptSettings,
    /// Setting `allow_seal`: whether the machine may be sealed as a template.
    pub allow_seal: bool,
    /// Setting `allow_domain_join`: whether the machine may join a domain.
    pub allow_domain_join: bool,
    /// Setting `allow_config_reload`: whether a host may have the configuration read again.
    pub allow_config_reload: bool,
    /// Setting `allowed_actions`: the only actions carried out; all when absent.
    pub allowed_actions: Option<Vec<String>>,
    /// Setting `blocked_actions`: refused even where `allowed_actions` names them.
    pub blocked_actions: Vec<String>,
}

impl CommandSettings {
    /// How long a batch may take: what the host asks for in seconds, at most `max_command_timeout_secs`; absent or 0 means that.
    pub(crate) fn batch_timeout(&self, asked_secs: Option<u64>) -> Duration {
        let most = self.limits.max_command_timeout_secs;
        Duration::from_secs(asked_secs.filter(|secs| *secs > 0).unwrap_or(most).min(most))
    }

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
        if name == ActionName::ScriptRun.name() && !self.allow_scripts {
            let error = "scripts are off: the setting `allow_scripts` turns them on";
            return Err(CommandError::new(ErrorCode::UnsafeDisabled, error));
        }
        match self.switch_of(name) {
            Some((setting, false)) => Err(blocked(alias, &format!("the setting `{setting}` turns it on"))),
            _ => Ok(()),
        }
    }

    /// The setting without which a dangerous action is off, and whether it is on.
    fn switch_of(&self, name: &str) -> Option<(&'static str, bool)> {
        match CommandName::find(name)? {
            CommandName::Safe(ActionName::PrepareGoldenImage) => Some(("allow_seal", self.allow_seal)),
            CommandName::Safe(ActionName::JoinDomain) => Some(("allow_domain_join", self.allow_domain_join)),
            CommandName::Safe(ActionName::ConfigReload) => {
                Some(("allow_config_reload", self.allow_config_reload))
            }
            _ => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code(settings: &CommandSettings, name: &str) -> Option<ErrorCode> {
        settings.permit(name).err().map(|e| e.code)
    }

    #[test]
    fn all_but_raw_commands_scripts_and_what_is_dangerous_are_allowed_by_default() {
        let settings = CommandSettings::default();
        assert_eq!(code(&settings, "ProcessKill"), None);
        assert_eq!(code(&settings, UNSAFE_COMMAND), Some(ErrorCode::UnsafeDisabled));
        assert_eq!(code(&settings, "ScriptRun"), Some(ErrorCode::UnsafeDisabled));
        assert_eq!(code(&settings, "ScriptStatus"), None);
        let scripts = CommandSettings { allow_scripts: true, ..settings };
        assert_eq!(code(&scripts, "ScriptRun"), None);
        assert_eq!(code(&scripts, UNSAFE_COMMAND), Some(ErrorCode::UnsafeDisabled));
    }

    #[test]
    fn what_changes_the_machines_identity_or_the_agents_settings_is_off_until_its_own_setting_turns_it_on() {
        let seal = CommandSettings { allow_seal: true, ..CommandSettings::default() };
        let join = CommandSettings { allow_domain_join: true, ..CommandSettings::default() };
        let reload = CommandSettings { allow_config_reload: true, ..CommandSettings::default() };
        for (name, setting, on, other) in [
            ("PrepareGoldenImage", "`allow_seal`", &seal, &join),
            ("JoinDomain", "`allow_domain_join`", &join, &seal),
            ("ConfigReload", "`allow_config_reload`", &reload, &join),
        ] {
            for off in [&CommandSettings::default(), other] {
                let error = off.permit(name).unwrap_err();
                assert_eq!(error.code, ErrorCode::ActionBlocked);
                assert!(error.error.contains(setting), "{error}");
            }
            assert_eq!(code(on, name), None);
        }
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

    fn unsupported(name: &str) -> Option<String> {
        CommandName::find(name).unwrap().unsupported(Features { systemd: true, packages: true })
    }

    #[test]
    fn the_asked_timeout_holds_zero_and_absence_mean_the_default_and_the_maximum_cuts() {
        let command = CommandName::find("ProcessList").unwrap();
        for (asked, want) in [(None, 30), (Some(0), 30), (Some(5), 5), (Some(u64::MAX), 3600)] {
            assert_eq!(command.timeout(asked, 3600), Duration::from_secs(want), "{asked:?}");
        }
        assert_eq!(command.timeout(None, 10), Duration::from_secs(10));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_windows_action_names_its_counterpart_on_linux() {
        assert!(unsupported("WindowsUpdateCheck").unwrap().contains("; use UpdateCheck instead"));
        assert!(unsupported("WindowsUpdateInstall").unwrap().contains("; use UpdateInstall instead"));
        assert!(unsupported("WindowsDefenderScan").unwrap().contains("has no counterpart here"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn services_need_systemd_and_processes_need_nothing() {
        let services = CommandName::find("ServiceList").unwrap();
        let none = Features { systemd: false, packages: false };
        assert!(services.unsupported(none).unwrap().contains("systemd"));
        assert_eq!(CommandName::find("ProcessKill").unwrap().unsupported(none), None);
        let packages = CommandName::find("PackageInstall").unwrap();
        assert!(packages.unsupported(none).unwrap().contains("package manager"));
        assert_eq!(packages.unsupported(Features { packages: true, ..none }), None);
    }

    #[test]
    fn only_reads_are_shared_and_package_work_is_a_class_of_its_own() {
        let class = |name: &str| CommandName::find(name).unwrap().class();
        assert_eq!(class("ServiceList"), ConcurrencyClass::Read);
        assert_eq!(class("ServiceControl"), ConcurrencyClass::Change);
        assert_eq!(class("PackageRemove"), ConcurrencyClass::Packages);
        assert_eq!(class("UnsafeCommand"), ConcurrencyClass::Change);
    }
}
