//! What the link can be told to do otherwise: times, thresholds and bounds.

use infiniservice_protocol::Limits;
use std::time::Duration;

/// Settings of the link; `config` composes them. The defaults are the contract's.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSettings {
    /// From one heartbeat to the next, while a host is connected.
    pub keep_alive_interval: Duration,
    /// A heartbeat unanswered for this long leads to a reconnection.
    pub keep_alive_timeout: Duration,
    /// First wait after a failure; the waits double from here.
    pub min_backoff: Duration,
    /// Longest wait after a failure.
    pub max_backoff: Duration,
    /// A write that makes no progress for this long while a host is connected is a failure.
    pub connection_timeout: Duration,
    /// Send a heartbeat at each health check too.
    pub validate_connection: bool,
    /// Compress long lines for a host that asks for it.
    pub compression: bool,
    /// When the circuit breaker opens and closes.
    pub breaker: BreakerSettings,
    /// Bounds of lines and of the outbox.
    pub limits: Limits,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            keep_alive_interval: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(60),
            min_backoff: Duration::from_secs(5),
            max_backoff: Duration::from_secs(300),
            connection_timeout: Duration::from_secs(10),
            validate_connection: false,
            compression: true,
            breaker: BreakerSettings::default(),
            limits: Limits::default(),
        }
    }
}

impl LinkSettings {
    /// `--aggressive-retry`: waits of 2 s to 30 s, whatever was set before.
    #[must_use]
    pub fn aggressive(self) -> Self {
        Self { min_backoff: Duration::from_secs(2), max_backoff: Duration::from_secs(30), ..self }
    }
}

/// Settings of the circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failure_threshold: u32,
    /// How long nothing is tried once it is open.
    pub open_for: Duration,
    /// Calls that may be under way at once while it is half open.
    pub half_open_max_calls: u32,
    /// Successes while half open that close it.
    pub success_threshold: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: 15,
            open_for: Duration::from_secs(60),
            half_open_max_calls: 5,
            success_threshold: 2,
        }
    }
}
