//! What the hub tells of itself beside its table: restarts, descriptors, settings. The shell sets it.

/// The figures; all of them are of this run but [`Own::restarts_survived`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// Orderly restarts in a row over which connections were kept.
    pub restarts_survived: u64,
    /// Connections to guests that this hub took over from the one before it.
    pub connections_kept: u64,
    /// Descriptors that systemd keeps for the next hub.
    pub descriptors_stored: u64,
    /// Connections to guests that this hub may have at most.
    pub connections_max: u64,
    /// Connections to guests that are open.
    pub connections: u64,
    /// Machines that wait for their turn to be connected.
    pub connects_waiting: u64,
    /// Connections that did not begin because [`Own::connections_max`] were open.
    pub connects_refused: u64,
    /// How the last reading of the settings ended.
    pub last_reload: Reload,
}

/// The end of the last reading of the settings. At the start they were taken, or there would be no hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reload {
    /// What is wrong with the file, and where; the settings before it are in force.
    pub error: Option<String>,
    /// Milliseconds since 1970 when settings were taken the last time.
    pub taken_ms: u64,
}
