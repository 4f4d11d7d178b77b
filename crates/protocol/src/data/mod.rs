//! What stands in a response's `data`, one type an action, by family.

mod autochecks;
mod cleanup;
mod inventory;
mod package;
mod windows;

pub use autochecks::{AutochecksData, Check, CheckStatus, Health, Remediation};
pub use cleanup::{CleanedTarget, DiskCleanupData, LeftFiles};
pub use inventory::{Application, ApplicationInventoryData};
pub use package::{
    FailedUpdate, PackageChange, PackageChangeData, PackageChangeState, PackageChangeStatusData, PackageInfo,
    PackageListData, PackageStep, PendingUpdate, UpdateCheckData, UpdateInstallData, UpdatedPackage,
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
    /// How it failed, for people; of one that keeps failing also while it is being restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How often the service manager restarted it by itself since it was last started; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_count: Option<u32>,
    /// Active sockets, timers and paths that start it again when they are used; told by `ServiceControl`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggered_by: Vec<String>,
}

/// `data` of `Shutdown` and `Reboot`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PowerData {
    /// The action that was taken on.
    pub action: String,
    /// Whether the machine's own service manager has taken it on: it ends what runs, and then the machine goes.
    pub accepted: bool,
}

/// `data` of `ProcessList`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessListData {
    /// After sorting, filtering and limiting.
    pub processes: Vec<Process>,
    /// Number of matches before `limit`.
    pub count: u32,
    /// What could not be read of processes, and why; absent where all was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
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
