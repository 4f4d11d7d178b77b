//! The status itself: what the running agent answers, and what a client reads.

use crate::logging::errors::Logged;
use serde::{Deserialize, Serialize};

/// The running agent's state at one moment. A client may be of another version: every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Its version.
    pub agent_version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_secs: u64,
    /// `connected`, `waiting_for_host`, `waiting_for_port` or `no_port_wanted`.
    pub state: String,
    /// The host.
    pub host: Host,
    /// Heartbeats since the agent started.
    pub heartbeats: Heartbeats,
    /// `Closed`, `Open` or `HalfOpen`.
    pub circuit_breaker: String,
    /// `Excellent` to `Critical`.
    pub quality: String,
    /// Bytes of answers that wait for the host to read.
    pub waiting_bytes: u64,
    /// Bytes that the link holds in all.
    pub held_bytes: u64,
    /// Lines of the host that were not taken.
    pub refused: Refused,
    /// What keeps a command's processes together: `cgroups` or `process_table`.
    pub commands_held_by: Option<String>,
    /// What is wrong with the agent itself: fences of commands that are missing, what hangs, a configuration that is not in force.
    pub problems: Vec<String>,
    /// The newest errors, then the newest warnings, of the log.
    pub last_errors: Vec<Logged>,
    /// The effective settings with their origins, as `--print-config --json` shows them; secrets are not shown.
    pub configuration: serde_json::Value,
}

/// The host that is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Since when, RFC 3339; `None`: it is not.
    pub connected_since: Option<String>,
    /// The same in seconds, by a clock that nobody sets.
    pub connected_secs: Option<u64>,
    /// How often one connected.
    pub connects: u64,
}

/// The heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heartbeats {
    /// Written.
    pub sent: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered in time.
    pub missed: u64,
    /// Seconds since the last one was answered; `None`: none was.
    pub last_answer_secs: Option<u64>,
    /// Its round trip.
    pub last_round_trip_ms: Option<f64>,
}

/// What was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refused {
    /// Lines without the signature that is required, or with a wrong one.
    pub signatures: u64,
    /// Other lines: too long, no JSON, unknown.
    pub lines: u64,
    /// Commands for whose answer there was no room.
    pub commands: u64,
}

impl Status {
    /// Whether a host is connected and the link is good enough.
    pub fn works(&self) -> bool {
        self.state == "connected" && self.quality != "Critical"
    }
}
