//! `data` of the Windows actions.

use crate::action::ScanType;
use serde::{Deserialize, Serialize};

/// One pending Windows update.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WindowsUpdate {
    /// As Windows Update shows it.
    pub title: String,
    /// `KB5034441`; empty if it has none.
    pub kb_article: String,
    /// `Critical`, `Important`, `Moderate`, `Low` or `Unspecified`: the rating of the vulnerability that it fixes.
    pub severity: String,
    /// `Important`, `Recommended` or `Optional`.
    pub importance: String,
    /// For people.
    pub description: String,
    /// Of the download, in 10^6 bytes.
    #[serde(serialize_with = "crate::number::figure")]
    pub size_mb: f64,
    /// By its category.
    pub is_security_update: bool,
}

/// `data` of `WindowsUpdateCheck`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WindowsUpdateCheckData {
    /// Not installed and not hidden.
    pub pending_updates: Vec<WindowsUpdate>,
    /// How many.
    pub pending_count: u32,
    /// Of severity `Critical`.
    pub critical_count: u32,
    /// Security updates.
    pub security_count: u32,
    /// RFC 3339; `null` if Windows does not report it.
    pub last_check: Option<String>,
    /// RFC 3339; `null` if Windows does not report it.
    pub last_install: Option<String>,
    /// Whether Windows asks for a reboot.
    pub reboot_required: bool,
}

/// One update that `WindowsUpdateInstall` dealt with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WindowsUpdateResult {
    /// As Windows Update shows it.
    pub title: String,
    /// `KB5034441`; empty if it has none.
    pub kb_article: String,
    /// Why it failed, with the HRESULT; absent for one that was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `data` of `WindowsUpdateInstall`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WindowsUpdateInstallData {
    /// Installed.
    pub installed: Vec<WindowsUpdateResult>,
    /// Not installed, each with its `error`.
    pub failed: Vec<WindowsUpdateResult>,
    /// Whether Windows asks for a reboot.
    pub reboot_required: bool,
}

/// `data` of `WindowsDefenderStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DefenderStatusData {
    /// Whether its service is running and protecting.
    pub enabled: bool,
    /// `Normal`, `Passive`, `SxS Passive`, `EDR Block` or `Not running`.
    pub running_mode: String,
    /// Files are scanned as they are opened.
    pub real_time_protection: bool,
    /// As Defender reports it.
    pub antivirus_enabled: bool,
    /// As Defender reports it.
    pub antispyware_enabled: bool,
    /// Of the antivirus signatures.
    pub signature_version: String,
    /// RFC 3339; `null` for never.
    pub signature_last_updated: Option<String>,
    /// Whole days; `null` for never updated.
    pub signature_age_days: Option<u32>,
    /// Of the engine.
    pub engine_version: String,
    /// RFC 3339; `null` for never.
    pub last_quick_scan: Option<String>,
    /// RFC 3339; `null` for never.
    pub last_full_scan: Option<String>,
    /// Threats that were found, the newest first; absent if Defender does not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_threats: Option<Vec<RecentThreat>>,
}

/// One threat that Defender found at some time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecentThreat {
    /// Microsoft's name for it.
    pub name: String,
    /// `active` (it may still do harm), `detected`, `quarantined`, `removed`, `cleaned`, `blocked` or `allowed`.
    pub status: String,
    /// 1 low, 2 moderate, 4 high, 5 severe; absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_id: Option<u32>,
    /// When it was first found, RFC 3339; absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_time: Option<String>,
}

/// One threat that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Threat {
    /// Microsoft's name for it.
    pub name: String,
    /// `Severe`, `High`, `Moderate`, `Low` or `Unknown`.
    pub severity: String,
    /// What was done about it: `Quarantined`, `Removed`, `Allowed`, `None`, …
    pub action: String,
}

/// `data` of `WindowsDefenderScan`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DefenderScanData {
    /// As it was run.
    pub scan_type: ScanType,
    /// How many.
    pub threats_found: u32,
    /// Each of them.
    pub threats: Vec<Threat>,
    /// From start to end.
    pub scan_duration_secs: u64,
}
