//! The bounds of the wire, each with its unit in its name.

use serde::{Deserialize, Serialize};

/// The agent's limits, as `hello` reports them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Limits {
    /// Longest incoming line, without its newline.
    pub max_line_bytes: usize,
    /// Longest outgoing line, without its newline.
    pub max_outgoing_line_bytes: usize,
    /// Memory for answers that wait for a host and for those kept for replay.
    pub outbox_max_bytes: usize,
    /// Captured output of one command, for each of stdout and stderr.
    pub max_output_bytes: usize,
    /// Longest timeout that a command may request.
    pub max_command_timeout_secs: u64,
    /// Commands that may wait for a free slot.
    pub max_queued_commands: usize,
    /// Commands that run at the same time.
    pub max_concurrent_commands: usize,
    /// Processes in one metrics message.
    pub max_processes: usize,
    /// Sockets in one metrics message.
    pub max_ports: usize,
    /// How long an answered id is remembered and replayed.
    pub replay_window_secs: u64,
}

/// One part in so many of a line is kept for what stands beside a list in an answer.
const PART_BESIDE_A_LIST: usize = 16;

impl Limits {
    /// Longest list in an answer, in bytes on the wire. Lists are cut to it where they are made, so that whatever users lengthen is
    /// not carried around first.
    pub const fn max_list_bytes(&self) -> usize {
        self.max_outgoing_line_bytes - self.max_outgoing_line_bytes / PART_BESIDE_A_LIST
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_line_bytes: 1 << 20,
            max_outgoing_line_bytes: 4 << 20,
            outbox_max_bytes: 16 << 20,
            max_output_bytes: 1 << 20,
            max_command_timeout_secs: 3600,
            max_queued_commands: 64,
            max_concurrent_commands: 8,
            max_processes: 100,
            max_ports: 500,
            replay_window_secs: 600,
        }
    }
}
