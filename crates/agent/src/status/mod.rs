//! `infiniservice status`: what the running agent knows of itself, asked over a socket of root's.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
pub(crate) mod text;

use crate::logging::errors::Logged;
#[cfg(target_os = "linux")]
pub use linux::{Server, ask};
#[cfg(not(target_os = "linux"))]
pub use other::{Server, ask};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// Somebody who waits for the status, as JSON.
pub type Asker = oneshot::Sender<String>;

/// The host is connected, and the link works.
const CONNECTED: u8 = 0;
/// The agent runs, but no host is connected, or the link is critical.
const NOT_CONNECTED: u8 = 1;
/// Nothing answers: no agent runs, or its main loop stands still.
const NO_ANSWER: u8 = 3;

/// What `infiniservice status` prints, on which stream, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// Without a line end.
    pub text: String,
    /// Whether `text` is the status, or the reason why there is none.
    pub answered: bool,
    /// For scripts.
    pub exit_code: u8,
}

/// Asks, and shows the answer; `json` as it came.
pub fn shown(json: bool) -> Shown {
    show(ask(), json)
}

fn show(answer: Result<String, String>, json: bool) -> Shown {
    let read = answer.and_then(|document| {
        let status: Status = serde_json::from_str(&document)
            .map_err(|e| format!("the agent's answer cannot be parsed: {e}"))?;
        Ok((document, status))
    });
    match read {
        Err(text) => Shown { text, answered: false, exit_code: NO_ANSWER },
        Ok((document, status)) => {
            let text = if json { document.trim_end().to_owned() } else { text::render(&status) };
            let exit_code = if status.works() { CONNECTED } else { NOT_CONNECTED };
            Shown { text, answered: true, exit_code }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_whether_the_host_is_there() {
        let status = |state: &str, quality: &str| {
            let status = Status { state: state.into(), quality: quality.into(), ..Status::default() };
            show(Ok(serde_json::to_string(&status).unwrap()), false).exit_code
        };
        assert_eq!(status("connected", "Excellent"), 0);
        assert_eq!(status("connected", "Critical"), 1);
        assert_eq!(status("waiting_for_host", "Excellent"), 1);
        assert_eq!(show(Err("nobody".into()), true).exit_code, 3);
        assert_eq!(show(Ok("nonsense".into()), true).exit_code, 3);
    }
}
