//! `data` of `ApplicationInventory`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// How many items a list has that does not fit the line and was cut; absent where none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}
