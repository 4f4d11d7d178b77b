//! What stands in a response's `data`, one type an action, by family.

mod autochecks;
mod cleanup;
mod inventory;
mod package;
mod windows;

pub use autochecks::{AutochecksData, Check, CheckStatus, Health, Remediation};
pub use cleanup::{CleanedTarget, DiskCleanupData};
pub use inventory::{Application, ApplicationInventoryData};
pub use package::{
    FailedUpdate, PackageChangeData, PackageInfo, PackageListData, PendingUpdate, UpdateCheckData,
    UpdateInstallData, UpdatedPackage,
};
pub use windows::{
    DefenderScanData, DefenderStatusData, Threat, WindowsUpdate, WindowsUpdateCheckData,
    WindowsUpdateInstallData, WindowsUpdateResult,
};

use crate::metrics::Process;
use serde::{Deserialize, Serialize};

/// One service, as `ServiceList` and `ServiceControl` tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceInfo {
    /// The unit's or service's name.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// `running`, `stopped`, `failed`, `starting`, `stopping`, `exited`, `reloading`.
    pub status: String,
    /// `enabled`, `disabled`, `static`, `masked`, … (systemd); `auto`, `manual`, `disabled` (Windows).
    pub startup_type: String,
    /// Main process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Whether `start` may be asked for.
    pub can_start: bool,
    /// Whether `stop` may be asked for.
    pub can_stop: bool,
    /// Whether `restart` may be asked for.
    pub can_restart: bool,
}

/// `data` of `ProcessList`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessListData {
    /// After sorting, filtering and limiting.
    pub processes: Vec<Process>,
    /// How many matched before `limit`.
    pub count: u32,
}

/// `data` of `ProcessKill`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessKillData {
    /// Whom it was sent to.
    pub pid: u32,
    /// Its name before it ended.
    pub name: String,
    /// The last signal sent, `SIGTERM` or `SIGKILL`.
    pub signal: String,
    /// Whether it is gone.
    pub exited: bool,
}
