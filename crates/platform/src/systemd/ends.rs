//! Units that are no services like others: starting one ends, restarts or suspends the machine, or takes it from the host
//! (systemd.special(7)).

use super::name::ALL_TYPES;
use infiniservice_protocol::ActionName;

/// What starting a unit does to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It is switched off.
    Off,
    /// It starts anew.
    Reboot,
    /// It sleeps until somebody wakes it.
    Sleep,
    /// Nothing runs any more but a console that waits for root.
    Rescue,
    /// A console opens for whoever sits there, as root and without a password.
    OpenConsole,
}

/// By the name without its type: systemd has most of them both as a target and as the service behind it.
const OFF: [&str; 10] = [
    "poweroff",
    "halt",
    "shutdown",
    "final",
    "umount",
    "exit",
    "runlevel0",
    "systemd-poweroff",
    "systemd-halt",
    "systemd-exit",
];
const REBOOT: [&str; 13] = [
    "reboot",
    "kexec",
    "soft-reboot",
    "ctrl-alt-del",
    "runlevel6",
    "factory-reset",
    "system-update",
    "systemd-reboot",
    "systemd-kexec",
    "systemd-soft-reboot",
    "systemd-factory-reset-reboot",
    "packagekit-offline-update",
    "dnf-system-upgrade",
];
const SLEEP: [&str; 9] = [
    "sleep",
    "suspend",
    "hibernate",
    "hybrid-sleep",
    "suspend-then-hibernate",
    "systemd-suspend",
    "systemd-hibernate",
    "systemd-hybrid-sleep",
    "systemd-suspend-then-hibernate",
];
const RESCUE: [&str; 9] = [
    "rescue",
    "emergency",
    "runlevel1",
    "initrd",
    "initrd-switch-root",
    "initrd-cleanup",
    "initrd-parse-etc",
    "initrd-udevadm-cleanup-db",
    "systemd-volatile-root",
];
const OPEN_CONSOLE: [&str; 1] = ["debug-shell"];

/// Those of the names above that are services and not begun with `systemd-`.
const SERVICES: [&str; 10] = [
    "rescue",
    "emergency",
    "initrd-switch-root",
    "initrd-cleanup",
    "initrd-parse-etc",
    "initrd-udevadm-cleanup-db",
    "packagekit-offline-update",
    "dnf-system-upgrade",
    "debug-shell",
    "ctrl-alt-del",
];
/// Those that a person means when he leaves the type out, by the names of commands.
const COMMANDS: [&str; 7] = ["poweroff", "halt", "shutdown", "reboot", "kexec", "suspend", "hibernate"];

impl Ends {
    /// By a unit's name; a host may leave the type out.
    pub fn of(unit: &str) -> Option<Self> {
        let suffix = ALL_TYPES.into_iter().find(|suffix| unit.ends_with(suffix));
        let stem = unit.strip_suffix(suffix.unwrap_or_default()).unwrap_or(unit);
        let known = match suffix {
            Some(".target") => true,
            // A service that merely has such a name is somebody's own.
            Some(_) => stem.starts_with("systemd-") || SERVICES.contains(&stem),
            None => stem.starts_with("systemd-") || SERVICES.contains(&stem) || COMMANDS.contains(&stem),
        };
        if known { Self::of_stem(stem) } else { None }
    }

    fn of_stem(stem: &str) -> Option<Self> {
        [
            (&OFF[..], Self::Off),
            (&REBOOT[..], Self::Reboot),
            (&SLEEP[..], Self::Sleep),
            (&RESCUE[..], Self::Rescue),
            (&OPEN_CONSOLE[..], Self::OpenConsole),
        ]
        .into_iter()
        .find_map(|(names, ends)| names.contains(&stem).then_some(ends))
    }

    /// By a `SuccessAction=` or `FailureAction=` (systemd.unit(5)).
    pub(super) fn of_unit_action(action: &str) -> Option<Self> {
        let stem =
            action.strip_suffix("-force").or_else(|| action.strip_suffix("-immediate")).unwrap_or(action);
        match stem {
            "poweroff" | "halt" | "exit" => Some(Self::Off),
            "reboot" | "kexec" | "soft-reboot" => Some(Self::Reboot),
            _ => None,
        }
    }

    /// What it does, as a sentence's middle.
    pub(super) const fn does(self) -> &'static str {
        match self {
            Self::Off => "shuts the machine down",
            Self::Reboot => "reboots the machine",
            Self::Sleep => "suspends the machine, which cuts it off from the host",
            Self::Rescue => "ends everything but a console, which cuts the machine off from the host",
            Self::OpenConsole => "opens a console as root without a password",
        }
    }

    /// The action that is meant for it.
    pub(super) const fn action(self) -> Option<ActionName> {
        match self {
            Self::Off => Some(ActionName::Shutdown),
            Self::Reboot => Some(ActionName::Reboot),
            Self::Sleep | Self::Rescue | Self::OpenConsole => None,
        }
    }

    /// The refusal of `unit`, of which `because` says how it comes to that where its name does not.
    pub fn refusal(self, unit: &str, because: &str) -> String {
        let does = self.does();
        match self.action() {
            Some(action) => {
                format!("{unit} {does}{because}, which ServiceControl must not do: use the action {action}")
            }
            None => format!("{unit} {does}{because}, which ServiceControl must not do"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemds_own_units_that_end_the_machine_are_known_by_every_type() {
        for (unit, ends) in [
            ("poweroff.target", Ends::Off),
            ("systemd-poweroff.service", Ends::Off),
            ("systemd-poweroff", Ends::Off),
            ("halt.target", Ends::Off),
            ("reboot.target", Ends::Reboot),
            ("ctrl-alt-del.target", Ends::Reboot),
            ("systemd-kexec.service", Ends::Reboot),
            ("systemd-soft-reboot.service", Ends::Reboot),
            ("rescue.service", Ends::Rescue),
            ("emergency", Ends::Rescue),
            ("systemd-hibernate.service", Ends::Sleep),
            ("suspend.target", Ends::Sleep),
            ("reboot", Ends::Reboot),
            ("debug-shell.service", Ends::OpenConsole),
        ] {
            assert_eq!(Ends::of(unit), Some(ends), "{unit}");
        }
        for unit in
            ["ssh.service", "reboot-notifier.service", "sleep.service", "sleep@5.service", "systemd-logind"]
        {
            assert_eq!(Ends::of(unit), None, "{unit}");
        }
    }

    #[test]
    fn unit_actions_that_end_the_machine_are_known_with_every_ending() {
        for action in ["reboot", "reboot-force", "reboot-immediate", "kexec", "soft-reboot-force"] {
            assert_eq!(Ends::of_unit_action(action), Some(Ends::Reboot), "{action}");
        }
        for action in ["poweroff-immediate", "exit", "exit-force", "halt"] {
            assert_eq!(Ends::of_unit_action(action), Some(Ends::Off), "{action}");
        }
        assert_eq!((Ends::of_unit_action("none"), Ends::of_unit_action("")), (None, None));
    }

    #[test]
    fn the_refusal_names_the_action_that_is_meant_for_it() {
        assert!(Ends::Off.refusal("poweroff.target", "").ends_with("use the action Shutdown"));
        assert!(Ends::Reboot.refusal("x", " by its SuccessAction=").ends_with("the action Reboot"));
        assert!(!Ends::Rescue.refusal("rescue.service", "").contains("action"));
    }
}
