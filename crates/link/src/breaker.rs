//! The circuit breaker: after many failures in a row nothing is tried for a while, then a few probes decide.
//!
//! A *call* is an attempt to open, or a heartbeat. While closed only an answer of the host ends a row of failures: a port
//! that opens and then fails each write would otherwise never trip it. The absence of the device or of a host is no failure.

use super::settings::BreakerSettings;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::guest::{BreakerState, CircuitBreakerReport};
use std::time::{Duration, SystemTime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Duration },
    HalfOpen { calls: u32, successes: u32 },
}

/// A change of state, to be told to the host as soon as that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The new state.
    pub state: BreakerState,
    /// Failures in a row.
    pub failure_count: u32,
    /// Wall-clock time of the last failure.
    pub last_failure: Option<SystemTime>,
    /// When the next probe is allowed, on the monotonic clock.
    pub recovers_at: Option<Duration>,
}

impl Change {
    /// The message as it is true at `now`: what is left of the wait is reckoned when the line is written.
    pub fn report(&self, now: Now) -> CircuitBreakerReport {
        let left = self.recovers_at.map(|at| at.saturating_sub(now.mono).as_millis().div_ceil(1000) as u64);
        CircuitBreakerReport {
            state: self.state,
            failure_count: self.failure_count,
            last_failure_time: self.last_failure.map(infiniservice_protocol::timestamp::rfc3339_millis),
            recovery_eta_seconds: left,
            timestamp: None,
        }
    }
}

/// The circuit breaker.
#[derive(Debug)]
pub struct CircuitBreaker {
    settings: BreakerSettings,
    state: State,
    failures: u32,
    last_failure: Option<SystemTime>,
}

impl CircuitBreaker {
    /// Closed, with no failure.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed, failures: 0, last_failure: None }
    }

    /// Other thresholds. What is closed by them opens with the next failure only; a wait that is under way gets no longer.
    pub fn set_settings(&mut self, now: Duration, settings: BreakerSettings) {
        if let State::Open { until } = &mut self.state {
            *until = (*until).min(now.saturating_add(settings.open_for));
        }
        self.settings = settings;
    }

    /// The state in the wire's terms.
    pub fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// While open: when the first probe is allowed.
    pub fn open_until(&self) -> Option<Duration> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed | State::HalfOpen { .. } => None,
        }
    }

    /// Half-opens when the wait is over.
    #[must_use]
    pub fn tick(&mut self, now: Now) -> Option<Change> {
        let over = self.open_until().is_some_and(|until| now.mono >= until);
        over.then(|| self.enter(State::HalfOpen { calls: 0, successes: 0 }))
    }

    /// Takes permission for one call; it is given back by one of the four outcomes below. While open the answer is no; a
    /// device that has just come is tried all the same, and its failure leaves the breaker open as it was.
    pub fn begin(&mut self, device_came: bool) -> bool {
        match &mut self.state {
            State::Closed => true,
            State::Open { .. } => device_came,
            State::HalfOpen { calls, .. } if *calls < self.settings.half_open_max_calls => {
                *calls += 1;
                true
            }
            State::HalfOpen { .. } => false,
        }
    }

    /// A port opened: a success for a probe, no proof of health otherwise.
    #[must_use]
    pub fn opened(&mut self) -> Option<Change> {
        match self.state {
            State::Closed => None,
            State::Open { .. } | State::HalfOpen { .. } => self.probe_succeeded(),
        }
    }

    /// The host answered a heartbeat: proof of health.
    #[must_use]
    pub fn answered(&mut self) -> Option<Change> {
        match self.state {
            State::Closed => {
                self.failures = 0;
                None
            }
            State::Open { .. } | State::HalfOpen { .. } => self.probe_succeeded(),
        }
    }

    /// The host said something sensible: it ends a row of failures, but is no probe of ours.
    pub fn heard(&mut self) {
        if self.state == State::Closed {
            self.failures = 0;
        }
    }

    /// A call, a read or a write failed.
    #[must_use]
    pub fn failed(&mut self, now: Now) -> Option<Change> {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(now.wall);
        let trips = match self.state {
            State::Closed => self.failures >= self.settings.failure_threshold,
            State::HalfOpen { .. } => true,
            State::Open { .. } => false,
        };
        trips.then(|| self.enter(State::Open { until: now.mono.saturating_add(self.settings.open_for) }))
    }

    /// A call ended without a verdict: the device is absent, or the host went away.
    pub fn abandoned(&mut self) {
        if let State::HalfOpen { calls, .. } = &mut self.state {
            *calls = calls.saturating_sub(1);
        }
    }

    fn probe_succeeded(&mut self) -> Option<Change> {
        let (was_open, calls, successes) = match self.state {
            State::HalfOpen { calls, successes } => (false, calls.saturating_sub(1), successes + 1),
            State::Open { .. } | State::Closed => (true, 0, 1),
        };
        if successes >= self.settings.success_threshold {
            self.failures = 0;
            return Some(self.enter(State::Closed));
        }
        let change = self.enter(State::HalfOpen { calls, successes });
        was_open.then_some(change)
    }

    fn enter(&mut self, state: State) -> Change {
        self.state = state;
        Change {
            state: self.state(),
            failure_count: self.failures,
            last_failure: self.last_failure,
            recovers_at: self.open_until(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now {
            mono: Duration::from_secs(seconds),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    fn breaker() -> CircuitBreaker {
        CircuitBreaker::new(BreakerSettings::default())
    }

    fn tripped(seconds: u64) -> CircuitBreaker {
        let mut breaker = breaker();
        for _ in 0..15 {
            let _ = breaker.failed(at(seconds));
        }
        breaker
    }

    #[test]
    fn the_fifteenth_failure_in_a_row_opens_it_for_sixty_seconds() {
        let mut breaker = breaker();
        for _ in 0..14 {
            assert_eq!(breaker.failed(at(1)), None);
        }
        let change = breaker.failed(at(2)).expect("trips");
        assert_eq!((change.state, change.failure_count), (BreakerState::Open, 15));
        assert_eq!(change.recovers_at, Some(Duration::from_secs(62)));
        assert!(!breaker.begin(false));
        assert_eq!(breaker.tick(at(61)), None);
        assert_eq!(breaker.tick(at(62)).map(|c| c.state), Some(BreakerState::HalfOpen));
    }

    #[test]
    fn only_an_answer_of_the_host_ends_a_row_of_failures() {
        let mut breaker = breaker();
        for _ in 0..14 {
            let _ = breaker.failed(at(1));
            assert_eq!(breaker.opened(), None);
        }
        assert_eq!(breaker.failures(), 14);
        assert_eq!(breaker.answered(), None);
        assert_eq!(breaker.failures(), 0);
    }

    #[test]
    fn two_successes_of_probes_close_it_and_forget_the_failures() {
        let mut breaker = tripped(0);
        let _ = breaker.tick(at(60));
        assert!(breaker.begin(false));
        assert_eq!(breaker.opened(), None);
        assert!(breaker.begin(false));
        assert_eq!(breaker.answered().map(|c| (c.state, c.failure_count)), Some((BreakerState::Closed, 0)));
    }

    #[test]
    fn one_failure_of_a_probe_opens_it_again_for_the_whole_time() {
        let mut breaker = tripped(0);
        let _ = breaker.tick(at(60));
        assert!(breaker.begin(false));
        assert_eq!(breaker.failed(at(63)).map(|c| c.recovers_at), Some(Some(Duration::from_secs(123))));
    }

    #[test]
    fn at_most_five_probes_are_under_way_and_abandoned_ones_give_their_place_back() {
        let mut breaker = tripped(0);
        let _ = breaker.tick(at(60));
        assert_eq!((0..9).filter(|_| breaker.begin(false)).count(), 5);
        breaker.abandoned();
        assert!(breaker.begin(false));
        assert!(!breaker.begin(false));
    }

    #[test]
    fn a_device_that_came_is_tried_while_open_and_its_failure_prolongs_nothing() {
        let mut breaker = tripped(0);
        assert!(breaker.begin(true));
        assert_eq!(breaker.failed(at(30)), None);
        assert_eq!(breaker.open_until(), Some(Duration::from_secs(60)));
        assert!(breaker.begin(true));
        assert_eq!(breaker.opened().map(|c| c.state), Some(BreakerState::HalfOpen));
        assert_eq!(breaker.answered().map(|c| c.state), Some(BreakerState::Closed));
    }

    #[test]
    fn a_report_tells_what_is_left_of_the_wait_when_it_is_written() {
        let mut breaker = breaker();
        let change = (0..15).find_map(|_| breaker.failed(at(0))).expect("trips");
        assert_eq!(change.report(at(20)).recovery_eta_seconds, Some(40));
        assert_eq!(change.report(at(90)).recovery_eta_seconds, Some(0));
    }
}
