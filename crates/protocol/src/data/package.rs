//! `data` of the package actions, of updates on Linux, and of `ApplicationInventory`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One installed package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageInfo {
    /// As the package manager names it.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// If the package manager reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// One line, perhaps empty.
    pub description: String,
    /// Installed size, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_kb: Option<u64>,
    /// Its source: the repository if it is known, otherwise the package manager.
    pub source: String,
    /// Always true.
    pub installed: bool,
    /// If it is present but not set up: the package manager's word for that, such as `half-configured` or `unpacked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// `data` of `PackageList`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageListData {
    /// After filtering and limiting.
    pub packages: Vec<PackageInfo>,
    /// `apt`, `dnf`, `zypper`, `apk`, `pacman` or `winget`.
    pub manager: String,
    /// Number of matches before `limit`.
    pub count: u32,
    /// How many lines of the package manager could not be read; their packages are missing from the list.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u32,
    /// What was not read completely, and why; absent if nothing is missing. `count` is the number of packages that were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// For each list that was cut because the line was full: its full length; absent if none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}

/// `data` of `PackageSearch`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageSearchData {
    /// After limiting: first the package with exactly that name, then names that begin with it, names with all words, and the others.
    pub packages: Vec<FoundPackage>,
    /// `apt`, `dnf` or `zypper`.
    pub manager: String,
    /// Number of matches before `limit`.
    pub count: u32,
    /// What was not read completely, and why; absent if nothing is missing. `count` is the number of packages that were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// For each list that was cut because the line was full: its full length; absent if none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}

/// A package that a search found in the repositories' lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundPackage {
    /// As the package manager names it.
    pub name: String,
    /// The version that an installation would bring.
    pub version: String,
    /// If the package manager reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// One line, possibly empty; zypper's search reports none.
    pub description: String,
    /// Whether any version of it is installed.
    pub installed: bool,
    /// Installed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_installed: Option<String>,
    /// Its source: the repository if it is known, otherwise the package manager.
    pub source: String,
}

/// The result of a change for one package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageStep {
    /// As the package manager names it.
    pub package: String,
    /// If the package manager reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// `null` if it was not installed.
    pub version_before: Option<String>,
    /// `null` if it is not installed now.
    pub version_after: Option<String>,
    /// For a removed package: the package that replaces it, according to that package's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// `data` of `PackageInstall`, `PackageUpdate` and `PackageRemove`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageChangeData {
    /// As requested.
    pub package: String,
    /// `apt`, `dnf`, `zypper`, `apk`, `pacman` or `winget`.
    pub manager: String,
    /// `null` if it was not installed.
    pub version_before: Option<String>,
    /// `null` if it is not installed now.
    pub version_after: Option<String>,
    /// Whether anything was installed, updated or removed.
    pub changed: bool,
    /// Whether the system needs a reboot.
    pub reboot_required: bool,
    /// Why it is not known whether the system needs a reboot; `reboot_required` is `false` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot_unknown: Option<String>,
    /// If the package is now present but not set up: the package manager's word for that, such as `half-configured`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Packages that were installed before and are not now, including the named one.
    #[serde(default)]
    pub removed: Vec<PackageStep>,
    /// Packages that are installed now and were not before, including the named one.
    #[serde(default)]
    pub installed: Vec<PackageStep>,
    /// Packages in a newer version than before, including the named one.
    #[serde(default)]
    pub upgraded: Vec<PackageStep>,
    /// Packages in an older version than before, including the named one.
    #[serde(default)]
    pub downgraded: Vec<PackageStep>,
    /// With `CONFLICT`: other packages that the change would remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_remove: Vec<String>,
    /// With `CONFLICT`: other packages that the change would downgrade.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_downgrade: Vec<String>,
}

/// `data` of `PackageChangeStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageChangeStatusData {
    /// Whether one of `changes` is still running.
    pub running: bool,
    /// The last changes since the agent started, at most 16, newest first.
    pub changes: Vec<PackageChange>,
}

/// One package change or system update.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageChange {
    /// Id of the command that requested it.
    pub id: String,
    /// The action's name.
    pub command_type: String,
    /// The named package, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Progress of the change.
    pub state: PackageChangeState,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// How long it has been running, or ran, in seconds.
    pub seconds: u64,
    /// Whether its command was answered `TIMEOUT` before it ended.
    pub outlived_timeout: bool,
    /// The error code of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The error message of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Exit code of its program, if one ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The answer's `data`, if the change has ended and the data is not too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
}

/// Progress of a package change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PackageChangeState {
    /// It runs.
    #[default]
    Running,
    /// It did what was requested.
    Succeeded,
    /// It failed.
    Failed,
}

/// One pending update on Linux.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PendingUpdate {
    /// As the package manager names it.
    pub package: String,
    /// `null` for a package that the update brings in.
    pub version_installed: Option<String>,
    /// The version that would be installed.
    pub version_available: String,
    /// If the package manager reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Repository or suite that it comes from.
    pub source: String,
    /// As the distribution calls it.
    pub is_security_update: bool,
    /// Why `UpdateInstall` would not install it: `held`, `phased`, `removal of` other packages,
    /// `kept back`, or the package manager's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
}

/// `data` of `UpdateCheck`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateCheckData {
    /// Security updates first.
    pub pending_updates: Vec<PendingUpdate>,
    /// How many.
    pub pending_count: u32,
    /// How many of them are security updates.
    pub security_count: u32,
    /// How many of them `UpdateInstall` would not install.
    #[serde(default)]
    pub blocked_count: u32,
    /// How many lines of the package manager announce an update but could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u32,
    /// `apt`, `dnf`, `zypper`, `apk` or `pacman`.
    pub manager: String,
    /// When the lists of packages were last fetched, RFC 3339; `null` if that is not known.
    pub last_check: Option<String>,
    /// Why the lists could not be fetched now. The answer is then based on the old lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_error: Option<String>,
    /// Whether the system needs a reboot.
    pub reboot_required: bool,
    /// Why it is not known whether the system needs a reboot; `reboot_required` is `false` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot_unknown: Option<String>,
}

/// One package that `UpdateInstall` brought to a new version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdatedPackage {
    /// As the package manager names it.
    pub package: String,
    /// `null` if it was not installed.
    pub version_before: Option<String>,
    /// Installed now.
    pub version_after: String,
}

/// A package that could not be updated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedUpdate {
    /// As the package manager names it.
    pub package: String,
    /// One sentence.
    pub error: String,
}

/// `data` of `UpdateInstall`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateInstallData {
    /// `apt`, `dnf`, `zypper`, `apk` or `pacman`.
    pub manager: String,
    /// What has changed.
    pub installed: Vec<UpdatedPackage>,
    /// What should have changed, but has not.
    pub failed: Vec<FailedUpdate>,
    /// Whether anything has changed.
    pub changed: bool,
    /// Whether the system needs a reboot.
    pub reboot_required: bool,
    /// Why it is not known whether the system needs a reboot; `reboot_required` is `false` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot_unknown: Option<String>,
    /// Packages that were there before and are not now.
    #[serde(default)]
    pub removed: Vec<PackageStep>,
    /// Packages in an older version than before.
    #[serde(default)]
    pub downgraded: Vec<PackageStep>,
    /// With `CONFLICT`: packages that the updates would remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_remove: Vec<String>,
    /// With `CONFLICT`: packages that the updates would downgrade.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_downgrade: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// One application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Application {
    /// For people.
    pub name: String,
    /// As its source reports it, possibly empty.
    pub version: String,
    /// `null` if unknown.
    pub publisher: Option<String>,
    /// `2026-11-23`; `null` if unknown.
    pub install_date: Option<String>,
    /// Directory or file; `null` if unknown.
    pub install_location: Option<String>,
    /// In 10^6 bytes; `null` if unknown.
    #[serde(serialize_with = "crate::number::optional")]
    pub size_mb: Option<f64>,
    /// `dpkg`, `rpm`, `flatpak`, `snap`, `desktop`, `appimage`, `registry`, …
    pub source: String,
    /// `null` if unknown.
    pub architecture: Option<String>,
    /// If it is present but not ready for use: its source's word for that, such as `half-configured`, `unpacked` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// `data` of `ApplicationInventory`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApplicationInventoryData {
    /// After filtering and limiting.
    pub applications: Vec<Application>,
    /// Number of matches before `limit`.
    pub count: u32,
    /// What could not be examined completely, and why; absent if nothing is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// For each list that was cut because the line was full: its full length; absent if none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}
