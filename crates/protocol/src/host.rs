//! Messages from the host to the guest.

use serde_json::{Map, Value};

/// A line of the host, understood. Parsing lives in `parse`.
#[derive(Clone, Debug, PartialEq)]
pub enum HostMessage {
    /// Collect now.
    Metrics {
        /// Comes back as `request_id`.
        id: Option<String>,
    },
    /// A validated operation.
    SafeCommand(SafeCommand),
    /// A raw shell command.
    UnsafeCommand(UnsafeCommand),
    /// The answer to a heartbeat of ours.
    KeepAliveResponse {
        /// The number of the heartbeat that it answers.
        sequence_number: u64,
    },
    /// The host's own ping; answered at once by `keep_alive` with the same number.
    KeepAliveRequest {
        /// Comes back unchanged.
        sequence_number: u64,
    },
    /// Who are you, what can you do.
    Hello {
        /// Not on the wire's answer today; kept for the log.
        id: Option<String>,
    },
}

/// A `SafeCommand` as it stood on the wire: the action is a name and its parameters are merged, not yet typed.
/// `Action::parse` types them.
#[derive(Clone, Debug, PartialEq)]
pub struct SafeCommand {
    /// Chosen by the host; at most 256 characters.
    pub id: String,
    /// The action's name, as sent.
    pub action: String,
    /// Parameters merged in the contract's order: beside `action`, `command_type.params`, the message's `params`.
    pub params: Map<String, Value>,
    /// Seconds; absent or 0 means the action's default.
    pub timeout: Option<u64>,
}

/// An `UnsafeCommand` as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct UnsafeCommand {
    /// Chosen by the host; at most 256 characters.
    pub id: String,
    /// What the shell is given.
    pub raw_command: String,
    /// `bash`, `sh`, `cmd` or `powershell`, lower-cased.
    pub shell: Option<String>,
    /// Seconds; absent or 0 means the default.
    pub timeout: Option<u64>,
    /// Absolute path to start in.
    pub working_dir: Option<String>,
    /// Added to the clean environment, in this order.
    pub env_vars: Vec<(String, String)>,
    /// User to become.
    pub run_as: Option<String>,
}
