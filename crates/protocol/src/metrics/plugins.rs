//! `data.plugins`: what the guest's own programs and files tell beside the agent's figures.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The last result of one plugin, or the contents of one file in `plugins_textfile_dir`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Plugin {
    /// Whether it ran and its output was understood. This is also true if a Nagios plugin reports something critical.
    pub ok: bool,
    /// Age of the result: the time since the program ended or the file was modified.
    pub age_ms: u64,
    /// Duration of the run; absent for a file, and if the program could not be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Exit code of the program; absent if it returned none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Current time between two runs. After three failures in a row it grows, up to ten times. Absent for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_secs: Option<u64>,
    /// Failed runs in a row; absent if the last one did not fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// When the file was modified, RFC 3339; absent for a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<String>,
    /// The figures; none if it failed.
    pub series: Vec<Series>,
    /// The first line of a Nagios plugin, without its figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it failed, or which part of its output was not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One figure of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Series {
    /// At most 128 letters, digits, `_` and `:`, not beginning with a digit.
    #[cfg_attr(feature = "schema", schemars(length(max = 128)))]
    pub name: String,
    /// Names like those of series, but without `:`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// As the plugin reported it, negative or not; `null` if it was infinite or not a number (NaN).
    pub value: Option<f64>,
    /// What kind of figure it is.
    #[serde(rename = "type")]
    pub kind: SeriesType,
}

/// The kind of a figure, in the words of `OpenMetrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SeriesType {
    /// Only grows, except at restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A part of a histogram: a bucket, the sum or the count.
    Histogram,
    /// The same of a histogram that goes up and down.
    GaugeHistogram,
    /// A part of a summary: a quantile, the sum or the count.
    Summary,
    /// 1, with the information in its labels.
    Info,
    /// One of several states: 1 for the state in force.
    StateSet,
    /// Not specified.
    #[default]
    #[serde(other)]
    Unknown,
}
