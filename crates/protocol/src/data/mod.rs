//! What stands in a response's `data`, one type an action, by family.

mod configuration;
mod history;
mod identity;
mod package;
mod script;
mod upkeep;
mod windows;

pub use configuration::{ConfigReloadData, WaitingSetting};
pub use history::{UpdateHistoryData, UpdateHistoryEntry};
pub use identity::{JoinDomainData, SealData, SealStep};
pub use package::{
    Application, ApplicationInventoryData, FailedUpdate, FoundPackage, PackageChange, PackageChangeData,
    PackageChangeState, PackageChangeStatusData, PackageInfo, PackageListData, PackageSearchData,
    PackageStep, PendingUpdate, UpdateCheckData, UpdateInstallData, UpdatedPackage,
};
pub use script::{ScriptInfo, ScriptState, ScriptStatusData};
pub use upkeep::{
    AutochecksData, Check, CheckStatus, CleanedTarget, DiskCleanupData, Health, LeftFiles, Remediation,
};
pub use windows::{
    DefenderScanData, DefenderStatusData, RecentThreat, Threat, WindowsUpdate, WindowsUpdateCheckData,
    WindowsUpdateInstallData, WindowsUpdateResult,
};

use crate::action::LogPriority;
use crate::metrics::Process;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One service, as `ServiceList` and `ServiceControl` report it.
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
    /// Whether `start` is possible.
    pub can_start: bool,
    /// Whether `stop` is possible.
    pub can_stop: bool,
    /// Whether `restart` is possible.
    pub can_restart: bool,
    /// How it failed, for people; also while a service that keeps failing is being restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How often the service manager restarted it by itself since it was last started; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_count: Option<u32>,
    /// Active sockets, timers and paths that start it again when they are used; only in answers of `ServiceControl`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggered_by: Vec<String>,
}

/// `data` of `ServiceLogs`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceLogsData {
    /// The unit, or the source of the events.
    pub service: String,
    /// The newest first.
    pub lines: Vec<LogLine>,
    /// Present if there are more lines than these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<TruncatedLines>,
}

/// How many lines there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TruncatedLines {
    /// There are at least this many; the guest stops counting at the first line that it leaves out.
    pub lines: u64,
}

/// One line of a log, or what a program logged at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// When it was logged, by the guest's clock.
    pub time: String,
    /// Its priority; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<LogPriority>,
    /// The name under which the program logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The process that logged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What was logged. May contain newlines and tabs; invalid UTF-8 is replaced by U+FFFD.
    pub message: String,
    /// Whether only the beginning of the message is here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// `data` of `Shutdown` and `Reboot`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PowerData {
    /// The accepted action.
    pub action: String,
    /// Whether the guest's service manager has accepted it. It stops everything, and then the machine goes down.
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
    /// What could not be read of processes, and why; absent if nothing is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// For each list that was cut because the line was full: its full length; absent if none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}

/// `data` of `ProcessKill`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessKillData {
    /// The process that it was sent to.
    pub pid: u32,
    /// Its name before it ended.
    pub name: String,
    /// The last signal sent, `SIGTERM` or `SIGKILL`.
    pub signal: String,
    /// Whether it is gone.
    pub exited: bool,
}

/// `data` of `UserList`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserListData {
    /// After filtering and limiting; on Linux ordered by number, on Windows by name.
    pub users: Vec<UserInfo>,
    /// Number of matches before `limit`.
    pub count: u32,
    /// What could not be read, and why; absent if nothing is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// For each list that was cut because the line was full: its full length; absent if none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}

/// An account of a person, or of root.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserInfo {
    /// Login name.
    pub name: String,
    /// User id (Linux).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Security identifier (Windows), if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Name for people, perhaps empty.
    pub full_name: String,
    /// Linux: whether it is root or a member of the groups `sudo` or `wheel`. Windows: whether it is an administrator.
    pub is_admin: bool,
    /// Linux: whether its password is not locked and the account has not expired. Windows: whether it is not locked out.
    /// Absent if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}
