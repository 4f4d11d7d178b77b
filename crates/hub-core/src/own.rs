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
    /// The engine of the fleet, where this hub is of one.
    pub engine: Option<Engine>,
}

/// The engine that carries the fleet's messages, and what came and went over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engine {
    /// Whether it is there.
    pub connected: bool,
    /// What is wrong with it, or with what is done over it.
    pub error: Option<String>,
    /// Whether this hub holds the lease of the coordinator.
    pub is_coordinator: bool,
    /// Commands that were taken.
    pub commands: u64,
    /// Commands that were not what an operator signed, or that nobody here can read.
    pub refused: u64,
    /// Results that the engine has.
    pub results: u64,
    /// Results that wait for the engine.
    pub results_waiting: u64,
}

/// The end of the last reading of the settings. At the start they were taken, or there would be no hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reload {
    /// What is wrong with the file, and where; the settings before it are in force.
    pub error: Option<String>,
    /// Milliseconds since 1970 when settings were taken the last time.
    pub taken_ms: u64,
}
