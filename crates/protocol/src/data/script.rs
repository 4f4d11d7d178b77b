//! `data` of the actions on scripts.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run of a script, as `ScriptRun` and `ScriptRemove` report it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScriptInfo {
    /// The host's name of this run.
    pub execution_id: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The shell that runs it: `sh`, `bash`, `cmd` or `powershell`.
    pub shell: String,
    /// The user that it runs as; absent for the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// How long it may run.
    pub timeout_secs: u32,
    /// Its progress.
    pub state: ScriptState,
    /// Whether `ScriptRun` found this run and added none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// When it was stored.
    pub submitted_at: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Its exit code; 124 if its time was over, 126 if it was not allowed to run, 127 if it could not be started,
    /// 128 plus the signal's number if a signal ended it, 1 if a restart interrupted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it did not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The progress of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScriptState {
    /// It has not begun.
    #[default]
    Waiting,
    /// It runs.
    Running,
    /// It has ended, or will never run.
    Ended,
}

/// `data` of `ScriptStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScriptStatusData {
    /// Whether one runs now.
    pub running: bool,
    /// In the order in which they were stored.
    pub scripts: Vec<ScriptInfo>,
    /// For each list that was cut because the line was full: its full length; absent if none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub truncated: BTreeMap<String, u64>,
}
