//! What the session counts, for the log and the diagnosis.

/// Counters since the agent started. Commands that only read are told by these alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Requests that could be read.
    pub requests: u64,
    /// Syncs among them, each of which began a generation.
    pub syncs: u64,
    /// Times that bytes were no request.
    pub unreadable: u64,
    /// Requests of commands that are off, or not allowed while frozen.
    pub refused: u64,
    /// Commands that were handed on.
    pub executed: u64,
    /// Commands that a sync or the host's leaving overtook.
    pub overtaken: u64,
    /// Answers that came after that, and so were dropped.
    pub answers_dropped: u64,
    /// Answers that no client could have taken.
    pub answers_too_long: u64,
    /// Times that a host left.
    pub hosts_left: u64,
}
