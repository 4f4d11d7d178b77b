//! Every command of the contract as the executor sees it: class, time, and whether this build carries it out.

use super::context::Features;
use super::packages;
use super::safe::{self, Needs};
use crate::scheduler::ConcurrencyClass;
use infiniservice_exec::containment;
use infiniservice_protocol::ActionName;
use infiniservice_protocol::action::{Effect, UNSAFE_COMMAND, UNSAFE_COMMAND_TIMEOUT_SECS};
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

#[cfg(test)]
mod tests {
    use super::*;

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
