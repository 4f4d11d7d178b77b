//! The actions' names, and what holds for each whatever its parameters.

use super::{Action, ServiceOperation};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `command_type` of an `UnsafeCommand`'s response.
pub const UNSAFE_COMMAND: &str = "UnsafeCommand";

/// Timeout of an `UnsafeCommand` that names none, in seconds.
pub const UNSAFE_COMMAND_TIMEOUT_SECS: u64 = 120;

/// Name of an action, spelt as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs, reason = "each is documented at the variant of Action with the same name")]
pub enum ActionName {
    ServiceList,
    ServiceControl,
    PackageList,
    PackageInstall,
    PackageUpdate,
    PackageRemove,
    PackageChangeStatus,
    ProcessList,
    ProcessKill,
    UpdateCheck,
    UpdateInstall,
    WindowsUpdateCheck,
    WindowsUpdateInstall,
    WindowsDefenderStatus,
    WindowsDefenderScan,
    ApplicationInventory,
    Autochecks,
    DiskCleanup,
    Shutdown,
    Reboot,
}

/// Where an action exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platforms {
    /// On both.
    All,
    /// On Linux only.
    Linux,
    /// On Windows only.
    Windows,
}

impl Platforms {
    /// Whether `platform`, spelt as in `hello` (`linux`, `windows`), is one of them.
    pub fn include(self, platform: &str) -> bool {
        match self {
            Self::All => true,
            Self::Linux => platform == "linux",
            Self::Windows => platform == "windows",
        }
    }
}

impl ActionName {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 20] = [
        Self::ServiceList,
        Self::ServiceControl,
        Self::PackageList,
        Self::PackageInstall,
        Self::PackageUpdate,
        Self::PackageRemove,
        Self::PackageChangeStatus,
        Self::ProcessList,
        Self::ProcessKill,
        Self::UpdateCheck,
        Self::UpdateInstall,
        Self::WindowsUpdateCheck,
        Self::WindowsUpdateInstall,
        Self::WindowsDefenderStatus,
        Self::WindowsDefenderScan,
        Self::ApplicationInventory,
        Self::Autochecks,
        Self::DiskCleanup,
        Self::Shutdown,
        Self::Reboot,
    ];

    /// The name as it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceList => "ServiceList",
            Self::ServiceControl => "ServiceControl",
            Self::PackageList => "PackageList",
            Self::PackageInstall => "PackageInstall",
            Self::PackageUpdate => "PackageUpdate",
            Self::PackageRemove => "PackageRemove",
            Self::PackageChangeStatus => "PackageChangeStatus",
            Self::ProcessList => "ProcessList",
            Self::ProcessKill => "ProcessKill",
            Self::UpdateCheck => "UpdateCheck",
            Self::UpdateInstall => "UpdateInstall",
            Self::WindowsUpdateCheck => "WindowsUpdateCheck",
            Self::WindowsUpdateInstall => "WindowsUpdateInstall",
            Self::WindowsDefenderStatus => "WindowsDefenderStatus",
            Self::WindowsDefenderScan => "WindowsDefenderScan",
            Self::ApplicationInventory => "ApplicationInventory",
            Self::Autochecks => "Autochecks",
            Self::DiskCleanup => "DiskCleanup",
            Self::Shutdown => "Shutdown",
            Self::Reboot => "Reboot",
        }
    }

    /// The action of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// How long it may run when the command names no timeout, in seconds.
    pub const fn default_timeout_secs(self) -> u64 {
        match self {
            Self::ServiceList | Self::ProcessList | Self::ProcessKill | Self::PackageChangeStatus => 30,
            Self::PackageList | Self::WindowsDefenderStatus => 60,
            Self::ServiceControl
            | Self::ApplicationInventory
            | Self::Autochecks
            | Self::Shutdown
            | Self::Reboot => 120,
            Self::UpdateCheck | Self::WindowsUpdateCheck => 300,
            Self::PackageInstall | Self::PackageUpdate | Self::PackageRemove | Self::DiskCleanup => 900,
            Self::UpdateInstall | Self::WindowsUpdateInstall | Self::WindowsDefenderScan => 3600,
        }
    }

    /// Whether it only tells: equal ones in flight share one execution.
    pub const fn is_read_only(self) -> bool {
        matches!(
            self,
            Self::ServiceList
                | Self::PackageList
                | Self::PackageChangeStatus
                | Self::ProcessList
                | Self::UpdateCheck
                | Self::WindowsUpdateCheck
                | Self::WindowsDefenderStatus
                | Self::ApplicationInventory
                | Self::Autochecks
        )
    }

    /// Whether it changes what is installed: such commands run one at a time.
    pub const fn changes_packages(self) -> bool {
        matches!(
            self,
            Self::PackageInstall
                | Self::PackageUpdate
                | Self::PackageRemove
                | Self::UpdateInstall
                | Self::WindowsUpdateInstall
        )
    }

    /// Whether it ends the machine's run: such commands wait for package work that the agent began.
    pub const fn ends_the_machine(self) -> bool {
        matches!(self, Self::Shutdown | Self::Reboot)
    }

    /// Where it exists; elsewhere it answers `UNSUPPORTED`.
    pub const fn platforms(self) -> Platforms {
        match self {
            Self::UpdateCheck | Self::UpdateInstall => Platforms::Linux,
            Self::WindowsUpdateCheck
            | Self::WindowsUpdateInstall
            | Self::WindowsDefenderStatus
            | Self::WindowsDefenderScan => Platforms::Windows,
            _ => Platforms::All,
        }
    }

    /// What does the same on the other platform.
    pub const fn counterpart(self) -> Option<Self> {
        match self {
            Self::WindowsUpdateCheck => Some(Self::UpdateCheck),
            Self::WindowsUpdateInstall => Some(Self::UpdateInstall),
            Self::UpdateCheck => Some(Self::WindowsUpdateCheck),
            Self::UpdateInstall => Some(Self::WindowsUpdateInstall),
            _ => None,
        }
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Action {
    /// Its name.
    pub const fn name(&self) -> ActionName {
        match self {
            Self::ServiceList { .. } => ActionName::ServiceList,
            Self::ServiceControl { .. } => ActionName::ServiceControl,
            Self::PackageList { .. } => ActionName::PackageList,
            Self::PackageInstall { .. } => ActionName::PackageInstall,
            Self::PackageUpdate { .. } => ActionName::PackageUpdate,
            Self::PackageRemove { .. } => ActionName::PackageRemove,
            Self::PackageChangeStatus { .. } => ActionName::PackageChangeStatus,
            Self::ProcessList { .. } => ActionName::ProcessList,
            Self::ProcessKill { .. } => ActionName::ProcessKill,
            Self::UpdateCheck {} => ActionName::UpdateCheck,
            Self::UpdateInstall { .. } => ActionName::UpdateInstall,
            Self::WindowsUpdateCheck {} => ActionName::WindowsUpdateCheck,
            Self::WindowsUpdateInstall { .. } => ActionName::WindowsUpdateInstall,
            Self::WindowsDefenderStatus {} => ActionName::WindowsDefenderStatus,
            Self::WindowsDefenderScan { .. } => ActionName::WindowsDefenderScan,
            Self::ApplicationInventory { .. } => ActionName::ApplicationInventory,
            Self::Autochecks { .. } => ActionName::Autochecks,
            Self::DiskCleanup { .. } => ActionName::DiskCleanup,
            Self::Shutdown {} => ActionName::Shutdown,
            Self::Reboot {} => ActionName::Reboot,
        }
    }

    /// Whether this very command only tells: also `status` of a service and a dry run.
    pub const fn is_read_only(&self) -> bool {
        match self {
            Self::ServiceControl { operation, .. } => matches!(operation, ServiceOperation::Status),
            Self::DiskCleanup { dry_run, .. } => *dry_run,
            other => other.name().is_read_only(),
        }
    }
}
