//! When to collect and when to judge the connection. Pure: it is given the time.

use std::time::Duration;

/// What is due so soon is done now: one wake-up for a heartbeat and the collection that falls beside it. Once together they stay
/// so, as their intervals are alike.
const TOGETHER: Duration = Duration::from_millis(100);

/// The schedule's intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Between two collections.
    pub collection: Duration,
    /// The same while the connection's quality is Poor or Critical.
    pub degraded: Duration,
    /// Between two looks at the connection's quality.
    pub health_check: Duration,
    /// Between two of the first collections, until an address is known.
    pub initial: Duration,
    /// How many those are at most.
    pub initial_tries: u32,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Collect metrics and send them.
    Collect,
    /// Judge the connection.
    HealthCheck,
}

/// Next times of the periodic work. Nothing is due while no host is connected: nobody would read it.
#[derive(Debug)]
pub struct Schedule {
    intervals: Intervals,
    degraded: bool,
    adapted: Option<Duration>,
    initial_tries_left: u32,
    next_collection: Option<Duration>,
    next_health_check: Option<Duration>,
}

impl Schedule {
    /// A schedule that waits for a host.
    pub fn new(intervals: Intervals) -> Self {
        Self {
            intervals,
            degraded: false,
            adapted: None,
            initial_tries_left: intervals.initial_tries,
            next_collection: None,
            next_health_check: None,
        }
    }

    /// When to look again; `None` while no host is connected.
    pub fn next_deadline(&self) -> Option<Duration> {
        [self.next_collection, self.next_health_check].into_iter().flatten().min()
    }

    /// Takes one piece of work that is due at `now`. However long the machine slept, each kind is due once.
    pub fn take_due(&mut self, now: Duration) -> Option<Due> {
        let soon = now + TOGETHER;
        if self.next_collection.is_some_and(|at| at <= soon) {
            self.collecting(now);
            return Some(Due::Collect);
        }
        if self.next_health_check.is_some_and(|at| at <= soon) {
            self.next_health_check = Some(now + self.intervals.health_check);
            return Some(Due::HealthCheck);
        }
        None
    }

    /// A host connected and its first collection begins now.
    pub fn host_connected(&mut self, now: Duration) {
        self.next_health_check = Some(now + self.intervals.health_check);
        self.collecting(now);
    }

    /// The next collection is due then, where it was due later.
    pub fn collect_at(&mut self, at: Duration) {
        self.next_collection = self.next_collection.map(|next| next.min(at));
    }

    /// The host went.
    pub fn host_gone(&mut self) {
        self.next_collection = None;
        self.next_health_check = None;
    }

    /// A collection knew an address of the machine: the tries of the start are over.
    pub fn address_known(&mut self, now: Duration) {
        if self.initial_tries_left > 0 && self.next_collection.is_some() {
            self.initial_tries_left = 0;
            self.next_collection = Some(now + self.interval());
        }
    }

    /// The quality's band changed. A shorter interval counts from now, a longer one from the next collection.
    pub fn set_degraded(&mut self, now: Duration, degraded: bool) {
        self.degraded = degraded;
        let at = now + self.interval();
        if self.next_collection.is_some_and(|next| at < next) {
            self.next_collection = Some(at);
        }
    }

    /// The time to the next collection by what this one saw; `None`: the usual one. It counts from `now`.
    pub fn set_adapted(&mut self, now: Duration, adapted: Option<Duration>) {
        if std::mem::replace(&mut self.adapted, adapted) != adapted && self.initial_tries_left == 0 {
            self.next_collection = self.next_collection.map(|_| now + self.interval());
        }
    }

    /// The time between two collections now.
    pub fn interval(&self) -> Duration {
        match (self.initial_tries_left, self.degraded) {
            (1.., _) => self.intervals.initial,
            (0, true) => self.intervals.degraded,
            (0, false) => self.adapted.unwrap_or(self.intervals.collection),
        }
    }

    /// New intervals from a reloaded configuration. Of the tries of the start those that were made count.
    pub fn set_intervals(&mut self, now: Duration, intervals: Intervals) {
        if self.initial_tries_left > 0 {
            let used = self.intervals.initial_tries.saturating_sub(self.initial_tries_left);
            self.initial_tries_left = intervals.initial_tries.saturating_sub(used);
        }
        self.intervals = intervals;
        self.next_collection = self.next_collection.map(|_| now + self.interval());
        self.next_health_check = self.next_health_check.map(|_| now + intervals.health_check);
    }

    fn collecting(&mut self, now: Duration) {
        self.initial_tries_left = self.initial_tries_left.saturating_sub(1);
        self.next_collection = Some(now + self.interval());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn intervals(collection: u64, degraded: u64) -> Intervals {
        let (collection, degraded) = (S(collection), S(degraded));
        Intervals { collection, degraded, health_check: S(60), initial: S(2), initial_tries: 5 }
    }

    fn schedule() -> Schedule {
        Schedule::new(intervals(30, 120))
    }

    /// Runs to `until` and returns when collections were due.
    fn collections(schedule: &mut Schedule, until: u64) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(at) = schedule.next_deadline().filter(|at| *at <= S(until)) {
            while let Some(due) = schedule.take_due(at) {
                if due == Due::Collect {
                    times.push(at.as_secs());
                }
            }
        }
        times
    }

    #[test]
    fn what_falls_within_a_tenth_of_a_second_is_done_in_one_wake_up() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        schedule.address_known(S(0));
        let ms = Duration::from_millis;
        assert_eq!(schedule.take_due(ms(29_890)), None);
        assert_eq!(schedule.take_due(ms(29_960)), Some(Due::Collect));
        assert_eq!(schedule.take_due(ms(29_960)), None);
        assert_eq!(schedule.next_deadline(), Some(ms(59_960)));
    }

    #[test]
    fn nothing_is_due_without_a_host() {
        let mut schedule = schedule();
        assert_eq!(schedule.next_deadline(), None);
        assert_eq!(schedule.take_due(S(1_000_000)), None);
    }

    #[test]
    fn five_tries_two_seconds_apart_then_every_thirty() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        assert_eq!(collections(&mut schedule, 100), [2, 4, 6, 8, 38, 68, 98]);
    }

    #[test]
    fn an_address_ends_the_tries_of_the_start() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        assert_eq!(schedule.take_due(S(2)), Some(Due::Collect));
        schedule.address_known(S(3));
        assert_eq!(collections(&mut schedule, 100), [33, 63, 93]);
    }

    #[test]
    fn the_tries_of_the_start_are_not_repeated_for_the_next_host() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        schedule.address_known(S(0));
        schedule.host_gone();
        assert_eq!(schedule.next_deadline(), None);
        schedule.host_connected(S(500));
        assert_eq!(collections(&mut schedule, 570), [530, 560]);
    }

    #[test]
    fn a_degraded_connection_is_asked_for_less_and_a_good_one_at_once_for_more() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        schedule.address_known(S(0));
        schedule.set_degraded(S(10), true);
        assert_eq!(collections(&mut schedule, 200), [30, 150]);
        schedule.set_degraded(S(200), false);
        assert_eq!(collections(&mut schedule, 240), [230]);
    }

    #[test]
    fn an_adapted_interval_counts_from_its_sample_and_yields_to_a_poor_connection() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        schedule.address_known(S(0));
        schedule.set_adapted(S(1), Some(S(15)));
        assert_eq!(collections(&mut schedule, 50), [16, 31, 46]);
        schedule.set_degraded(S(50), true);
        assert_eq!(schedule.interval(), S(120));
        schedule.set_degraded(S(50), false);
        schedule.set_adapted(S(50), None);
        assert_eq!(collections(&mut schedule, 110), [80, 110]);
    }

    #[test]
    fn a_machine_that_slept_collects_once_not_for_every_interval_missed() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        schedule.address_known(S(0));
        assert_eq!(schedule.take_due(S(100_000)), Some(Due::Collect));
        assert_eq!(schedule.take_due(S(100_000)), Some(Due::HealthCheck));
        assert_eq!(schedule.take_due(S(100_000)), None);
        assert_eq!(schedule.next_deadline(), Some(S(100_030)));
    }

    #[test]
    fn health_is_checked_every_minute() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        let mut checks = 0;
        while let Some(at) = schedule.next_deadline().filter(|at| *at <= S(600)) {
            while let Some(due) = schedule.take_due(at) {
                checks += u32::from(due == Due::HealthCheck);
            }
        }
        assert_eq!(checks, 10);
    }

    #[test]
    fn other_tries_of_the_start_hold_while_they_last_and_mean_nothing_afterwards() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        assert_eq!(collections(&mut schedule, 3), [2]);
        let fewer = Intervals { initial: S(4), initial_tries: 3, ..intervals(30, 120) };
        schedule.set_intervals(S(3), fewer);
        assert_eq!(collections(&mut schedule, 60), [7, 37]);
        schedule.set_intervals(S(60), Intervals { initial_tries: 100, ..fewer });
        assert_eq!(schedule.interval(), S(30));
    }

    #[test]
    fn new_intervals_count_from_the_reload() {
        let mut schedule = schedule();
        schedule.host_connected(S(0));
        schedule.address_known(S(0));
        schedule.set_intervals(S(5), intervals(10, 20));
        assert_eq!(collections(&mut schedule, 40), [15, 25, 35]);
    }
}
