//! The safe commands' actions and their parameters, typed.
//!
//! [`Action::parse`] checks what holds on every platform. The alphabets of unit and package names differ from system
//! to system and are checked by the agent, on top of what is refused here.

mod name;
mod parameter;
mod parse;
#[cfg(test)]
mod tests;

pub use name::{ActionName, Platforms, UNSAFE_COMMAND, UNSAFE_COMMAND_TIMEOUT_SECS};
pub use parameter::{MAX_NAME_CHARS, ParamError};
pub use parse::{MAX_DAYS, MAX_LIMIT, MAX_LIST, MAX_PID, SERVICE_STATES};

use serde::{Deserialize, Serialize};

/// What a `SafeCommand` asks for. Serialised, it is the wire's `command_type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "action")]
pub enum Action {
    /// Services and their states.
    ServiceList {
        /// Only services in this state, one of [`SERVICE_STATES`]; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
    },
    /// One operation on one service.
    ServiceControl {
        /// systemd unit (`.service` may be left out) or Windows service name.
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256)))]
        service: String,
        /// What to do.
        operation: ServiceOperation,
    },
    /// Installed packages.
    PackageList {
        /// At most this many, 1 to 100,000; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100_000)))]
        limit: Option<u32>,
        /// Part of the name or description, case-insensitive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
    },
    /// Install one package.
    PackageInstall {
        /// As the package manager names it.
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256)))]
        package: String,
        /// Whether other packages may be removed or brought to an older version for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cascade: bool,
    },
    /// Bring one installed package to its newest version.
    PackageUpdate {
        /// As the package manager names it.
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256)))]
        package: String,
        /// Whether other packages may be removed or brought to an older version for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cascade: bool,
    },
    /// Remove one package; its configuration stays.
    PackageRemove {
        /// As the package manager names it.
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256)))]
        package: String,
        /// Whether other packages may be removed or brought to an older version for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cascade: bool,
    },
    /// What became of the last changes of packages, those too that outlived their timeout.
    PackageChangeStatus {
        /// Only the change that was asked for by the command with this id; all that are remembered when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256)))]
        id: Option<String>,
    },
    /// Running processes.
    ProcessList {
        /// At most this many, 1 to 100,000; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100_000)))]
        limit: Option<u32>,
        /// Order; busiest first when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sort_by: Option<ProcessSort>,
        /// Part of the name or command line, case-insensitive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
    },
    /// End a process.
    ProcessKill {
        /// From 1 to 2,147,483,647.
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 2_147_483_647)))]
        pid: u32,
        /// SIGKILL after SIGTERM was ignored.
        #[serde(default)]
        force: bool,
    },
    /// Pending updates (Linux).
    UpdateCheck {},
    /// Install pending updates (Linux).
    UpdateInstall {
        /// Only those that the distribution calls security updates.
        #[serde(default)]
        security_only: bool,
        /// Whether other packages may be removed or brought to an older version for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cascade: bool,
    },
    /// Pending Windows updates.
    WindowsUpdateCheck {},
    /// Install Windows updates.
    WindowsUpdateInstall {
        /// Only these, spelt `KB5034441`; all pending ones when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
        kb_articles: Option<Vec<String>>,
    },
    /// State of Windows Defender.
    WindowsDefenderStatus {},
    /// Scan with Windows Defender.
    WindowsDefenderScan {
        /// How thoroughly.
        #[serde(default)]
        scan_type: ScanType,
    },
    /// Installed applications, whoever installed them.
    ApplicationInventory {
        /// At most this many, 1 to 100,000; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100_000)))]
        limit: Option<u32>,
        /// Part of the name or publisher, case-insensitive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
    },
    /// Health checks.
    Autochecks {
        /// Only these checks, by name; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
        checks: Option<Vec<String>>,
        /// Usage from which a check warns, above 0 and up to 100; each check's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
        warning_percent: Option<f64>,
        /// Usage from which a check fails, above `warning_percent` and up to 100; each check's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
        critical_percent: Option<f64>,
    },
    /// Remove what can be made again.
    DiskCleanup {
        /// `temp`, `logs`, `package_cache`, `thumbnails`, `crash_dumps`, `trash`, or Windows' own; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
        targets: Option<Vec<String>>,
        /// Only what was not changed for so many days, 0 to 3650; each target's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 3650)))]
        older_than_days: Option<u32>,
        /// Only tell what would be removed.
        #[serde(default)]
        dry_run: bool,
    },
    /// Shut the machine down and switch it off; the answer comes before it goes.
    Shutdown {},
    /// Restart the machine; the answer comes before it goes.
    Reboot {},
}

/// `operation` of `ServiceControl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServiceOperation {
    /// Start it now.
    Start,
    /// Stop it now.
    Stop,
    /// Stop and start; start when stopped.
    Restart,
    /// Start at boot from now on.
    Enable,
    /// No longer start at boot.
    Disable,
    /// Only tell.
    Status,
}

/// `sort_by` of `ProcessList`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProcessSort {
    /// Busiest first.
    Cpu,
    /// Largest resident set first.
    Memory,
    /// Smallest pid first.
    Pid,
    /// By name.
    Name,
}

/// `scan_type` of `WindowsDefenderScan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ScanType {
    /// Where malware usually sits.
    #[default]
    Quick,
    /// All disks.
    Full,
}
