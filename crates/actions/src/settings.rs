//! What the operator decides about commands.

use infiniservice_protocol::Limits;

/// Bounds and policy of the executor, taken from the validated settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandSettings {
    /// The wire's bounds: queue, concurrency, captured output, timeouts, replay.
    pub limits: Limits,
    /// Setting `allow_unsafe_commands`: whether `UnsafeCommand` may run at all.
    pub allow_unsafe_commands: bool,
    /// Setting `allowed_actions`: the only actions carried out; all when absent.
    pub allowed_actions: Option<Vec<String>>,
    /// Setting `blocked_actions`: refused even where `allowed_actions` names them.
    pub blocked_actions: Vec<String>,
}
