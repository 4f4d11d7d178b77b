//! `data` of `ApplicationInventory`.

use serde::{Deserialize, Serialize};

/// One application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Application {
    /// For people.
    pub name: String,
    /// As its source tells, perhaps empty.
    pub version: String,
    /// `null` where it is not known.
    pub publisher: Option<String>,
    /// `2026-11-23`; `null` where it is not known.
    pub install_date: Option<String>,
    /// Directory or file; `null` where it is not known.
    pub install_location: Option<String>,
    /// In 10^6 bytes; `null` where it is not known.
    #[serde(serialize_with = "crate::finite::optional")]
    pub size_mb: Option<f64>,
    /// `dpkg`, `rpm`, `flatpak`, `snap`, `desktop`, `appimage`, `registry`, …
    pub source: String,
    /// `null` where it is not known.
    pub architecture: Option<String>,
    /// Where it is there but not ready for use: its source's word for that, such as `half-configured`, `unpacked` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// `data` of `ApplicationInventory`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApplicationInventoryData {
    /// After filtering and limiting.
    pub applications: Vec<Application>,
    /// How many matched before `limit`.
    pub count: u32,
    /// What could not be looked at whole, and why; absent where all was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
}
