//! The safe commands' actions and their parameters, typed.

use serde::{Deserialize, Serialize};

/// What a `SafeCommand` asks for. Serialised, it is the wire's `command_type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "action")]
pub enum Action {
    /// Services and their states.
    ServiceList {
        /// Only services in this state (`running`, `stopped`, `failed`, …).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
    },
    /// One operation on one service.
    ServiceControl {
        /// systemd unit (`.service` may be left out) or Windows service name.
        service: String,
        /// What to do.
        operation: ServiceOperation,
    },
    /// Running processes.
    ProcessList {
        /// At most this many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// Order; busiest first when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sort_by: Option<ProcessSort>,
        /// Part of the name or command line, case-insensitive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
    },
    /// End a process.
    ProcessKill {
        /// From 1.
        pid: u32,
        /// SIGKILL after SIGTERM was ignored.
        #[serde(default)]
        force: bool,
    },
}

/// `operation` of `ServiceControl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServiceOperation {
    /// Start it now.
    Start,
    /// Stop it now.
    Stop,
    /// Stop and start; start when stopped.
    Restart,
    /// Start at boot from now on.
    Enable,
    /// No longer start at boot.
    Disable,
    /// Only tell.
    Status,
}

/// `sort_by` of `ProcessList`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProcessSort {
    /// Busiest first.
    Cpu,
    /// Largest resident set first.
    Memory,
    /// Smallest pid first.
    Pid,
    /// By name.
    Name,
}
