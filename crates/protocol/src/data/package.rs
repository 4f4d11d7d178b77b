//! `data` of the package actions, and of updates on Linux.

use serde::{Deserialize, Serialize};

/// One installed package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageInfo {
    /// As the package manager names it.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Where the package manager has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// One line, perhaps empty.
    pub description: String,
    /// Installed size, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_kb: Option<u64>,
    /// Where it comes from: the package manager, or its repository where that is known.
    pub source: String,
    /// Always true.
    pub installed: bool,
}

/// `data` of `PackageList`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageListData {
    /// After filtering and limiting.
    pub packages: Vec<PackageInfo>,
    /// `apt`, `dnf`, `zypper`, `apk`, `pacman` or `winget`.
    pub manager: String,
    /// How many matched before `limit`.
    pub count: u32,
}

/// `data` of `PackageInstall`, `PackageUpdate` and `PackageRemove`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageChangeData {
    /// As it was asked for.
    pub package: String,
    /// `apt`, `dnf`, `zypper`, `apk`, `pacman` or `winget`.
    pub manager: String,
    /// `null` where it was not installed.
    pub version_before: Option<String>,
    /// `null` where it is not installed now.
    pub version_after: Option<String>,
    /// Whether anything was installed, updated or removed.
    pub changed: bool,
    /// Whether the system asks for a reboot.
    pub reboot_required: bool,
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
    /// Where the package manager has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Repository or suite that it comes from.
    pub source: String,
    /// As the distribution calls it.
    pub is_security_update: bool,
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
    /// `apt`, `dnf`, `zypper`, `apk` or `pacman`.
    pub manager: String,
    /// When the lists of packages were last fetched, RFC 3339; `null` where that is not known.
    pub last_check: Option<String>,
    /// Why the lists could not be fetched now, where they could not: what is told is then by the old ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_error: Option<String>,
    /// Whether the system asks for a reboot.
    pub reboot_required: bool,
}

/// One package that `UpdateInstall` brought to a new version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdatedPackage {
    /// As the package manager names it.
    pub package: String,
    /// `null` where it was not installed.
    pub version_before: Option<String>,
    /// Installed now.
    pub version_after: String,
}

/// What could not be updated.
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
    /// What has not, and should have.
    pub failed: Vec<FailedUpdate>,
    /// Whether anything has.
    pub changed: bool,
    /// Whether the system asks for a reboot.
    pub reboot_required: bool,
}
