//! Whether a port is open, and when the next attempt to open one is due.

use super::backoff::Backoff;
use super::breaker::CircuitBreaker;
use super::settings::LinkSettings;
use super::token_bucket::TokenBucket;
use std::time::Duration;

/// Attempts that news of a device may start at once; then one a second. Devices come in bursts of events (node, name,
/// rights), and a machine that makes and removes nodes all day must not keep us busy.
const DEVICE_BURST: u32 = 5;

/// No attempt is due.
const NEVER: Duration = Duration::MAX;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No port; waiting for the next attempt.
    Waiting,
    /// The driver was asked to open.
    Opening,
    /// A port is open.
    Open {
        /// Whether a host is connected; `None` where the device cannot tell.
        host: Option<bool>,
    },
}

/// The connection with the device.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    backoff: Backoff,
    device_attempts: TokenBucket,
    /// [`NEVER`] until a device comes.
    next_attempt: Duration,
    device_came: bool,
}

impl Connection {
    /// Waiting, with the first attempt due at once.
    pub fn new(settings: &LinkSettings, seed: u64) -> Self {
        Self {
            phase: Phase::Waiting,
            backoff: Backoff::new(settings.min_backoff, settings.max_backoff, seed),
            device_attempts: TokenBucket::new(DEVICE_BURST, Duration::from_secs(1)),
            next_attempt: Duration::ZERO,
            device_came: false,
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether a port is open.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// Whether somebody may be listening.
    pub fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Open { host: None | Some(true) })
    }

    /// When the next attempt is due; `None` unless waiting for one.
    pub fn deadline(&self) -> Option<Duration> {
        (self.phase == Phase::Waiting && self.next_attempt < NEVER).then_some(self.next_attempt)
    }

    /// No attempt is made until a device comes.
    pub fn rest(&mut self) {
        self.phase = Phase::Waiting;
        self.next_attempt = NEVER;
    }

    /// Starts the attempt that is due, if the breaker lets it.
    pub fn try_open(&mut self, now: Duration, breaker: &mut CircuitBreaker) -> bool {
        if self.deadline().is_none_or(|due| now < due) {
            return false;
        }
        let device_came = std::mem::take(&mut self.device_came) && self.device_attempts.take(now);
        if breaker.begin(device_came) {
            self.phase = Phase::Opening;
            return true;
        }
        self.wait(now, breaker);
        false
    }

    /// A port is open. Back-off goes on only while failures do: a device that was merely absent starts afresh.
    pub fn opened(&mut self, host: Option<bool>, breaker: &CircuitBreaker) {
        self.phase = Phase::Open { host };
        self.device_came = false;
        if breaker.failures() == 0 {
            self.backoff.reset();
        }
    }

    /// Other waits. The attempt that is waited for comes no later than they would have it, or the breaker.
    pub fn set_waits(&mut self, now: Duration, settings: &LinkSettings, breaker: &CircuitBreaker) {
        self.backoff.set_bounds(settings.min_backoff, settings.max_backoff);
        if self.deadline().is_some() {
            let latest = breaker.open_until().unwrap_or_else(|| now.saturating_add(settings.max_backoff));
            self.next_attempt = self.next_attempt.min(latest);
        }
    }

    /// The host came or went.
    pub fn set_host(&mut self, connected: bool) {
        if self.is_open() {
            self.phase = Phase::Open { host: Some(connected) };
        }
    }

    /// No port any more: the next attempt is for when the breaker or the back-off says.
    pub fn wait(&mut self, now: Duration, breaker: &CircuitBreaker) {
        self.phase = Phase::Waiting;
        self.next_attempt =
            breaker.open_until().unwrap_or_else(|| now.saturating_add(self.backoff.next_wait()));
    }

    /// No port any more, and nothing wrong with it: the next attempt is due after the shortest wait.
    pub fn wait_least(&mut self, now: Duration) {
        self.backoff.reset();
        self.phase = Phase::Waiting;
        self.next_attempt = now.saturating_add(self.backoff.next_wait());
    }

    /// The connection is in health.
    pub fn healthy(&mut self) {
        self.backoff.reset();
    }

    /// A device may have come: an attempt is due now, whatever the back-off and the breaker say. They exist to spare a channel
    /// that fails; hardware that has just been plugged in is a new one.
    pub fn device_came(&mut self, now: Duration) {
        if self.phase == Phase::Waiting {
            self.device_came = true;
            self.next_attempt = self.next_attempt.min(self.device_attempts.ready_at(now));
        }
    }

    /// The device is gone: the wait for another one starts afresh, with one attempt at once, as it may be back already.
    pub fn device_gone(&mut self, now: Duration) {
        self.phase = Phase::Waiting;
        self.backoff.reset();
        self.next_attempt = NEVER;
        self.device_came(now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::BreakerSettings;
    use super::*;
    use infiniservice_protocol::clock::Now;
    use std::time::SystemTime;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fresh() -> (Connection, CircuitBreaker) {
        (Connection::new(&LinkSettings::default(), 1), CircuitBreaker::new(BreakerSettings::default()))
    }

    fn open_breaker(at: u64) -> CircuitBreaker {
        let (_, mut breaker) = fresh();
        for _ in 0..15 {
            let _ = breaker.failed(Now { mono: s(at), wall: SystemTime::UNIX_EPOCH });
        }
        breaker
    }

    #[test]
    fn the_first_attempt_is_due_at_once_and_the_next_after_the_back_off() {
        let (mut connection, mut breaker) = fresh();
        assert!(connection.try_open(s(0), &mut breaker));
        assert_eq!(connection.deadline(), None);
        connection.wait(s(0), &breaker);
        assert!(!connection.try_open(s(4), &mut breaker));
        assert!(connection.try_open(s(6), &mut breaker));
    }

    #[test]
    fn a_device_that_comes_is_tried_at_once_even_while_the_breaker_is_open() {
        let (mut connection, _) = fresh();
        let mut breaker = open_breaker(10);
        connection.wait(s(10), &breaker);
        assert_eq!(connection.deadline(), Some(s(70)));
        connection.device_came(s(12));
        assert!(connection.try_open(s(12), &mut breaker));
        connection.wait(s(12), &breaker);
        assert_eq!(connection.deadline(), Some(s(70)));
    }

    #[test]
    fn shorter_waits_hold_for_the_attempt_that_is_waited_for_and_a_link_at_rest_stays_so() {
        let (mut connection, mut breaker) = fresh();
        let hasty = LinkSettings {
            min_backoff: s(1),
            max_backoff: s(2),
            breaker: BreakerSettings { open_for: s(10), ..BreakerSettings::default() },
            ..LinkSettings::default()
        };
        connection.wait(s(0), &breaker);
        connection.set_waits(s(1), &hasty, &breaker);
        assert_eq!(connection.deadline(), Some(s(3)));
        breaker = open_breaker(10);
        connection.wait(s(10), &breaker);
        breaker.set_settings(s(20), hasty.breaker.clone());
        connection.set_waits(s(20), &hasty, &breaker);
        assert_eq!((breaker.open_until(), connection.deadline()), (Some(s(30)), Some(s(30))));
        connection.rest();
        connection.set_waits(s(40), &hasty, &breaker);
        assert_eq!(connection.deadline(), None);
    }

    #[test]
    fn a_storm_of_device_events_starts_a_burst_and_then_one_attempt_a_second() {
        let (mut connection, mut breaker) = fresh();
        connection.wait(s(0), &breaker);
        let mut attempts = 0;
        for tenth in 0..100 {
            let now = Duration::from_millis(100_000 + tenth * 100);
            connection.device_came(now);
            if connection.try_open(now, &mut breaker) {
                attempts += 1;
                connection.wait(now, &breaker);
            }
        }
        assert!((10..=15).contains(&attempts), "{attempts}");
    }

    #[test]
    fn a_device_that_goes_is_looked_for_once_at_once() {
        let (mut connection, mut breaker) = fresh();
        connection.opened(Some(true), &breaker);
        connection.device_gone(s(50));
        assert!(connection.try_open(s(50), &mut breaker));
        connection.wait(s(50), &breaker);
        assert!(!connection.try_open(s(54), &mut breaker));
    }
}
