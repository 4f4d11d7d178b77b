//! How many connections to guests begin in a second: a host with thousands of machines is not to feel the hub's start.

use std::time::Duration;

/// Turns of equal length, one after the other.
#[derive(Clone, Debug)]
pub struct Pace {
    every: Duration,
    next: Duration,
}

impl Pace {
    /// So many turns a second, at least one.
    pub fn new(a_second: u32) -> Self {
        Self { every: Duration::from_secs(1) / a_second.max(1), next: Duration::ZERO }
    }

    /// The moment of the monotonic clock at which the turn comes of one who asks now.
    pub fn turn(&mut self, now: Duration) -> Duration {
        let turn = self.next.max(now);
        self.next = turn + self.every;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_that_come_at_once_begin_two_hundred_a_second() {
        let mut pace = Pace::new(200);
        let now = Duration::from_secs(5);
        let turns: Vec<_> = (0..10_000).map(|_| pace.turn(now)).collect();
        assert_eq!(turns.first(), Some(&now));
        for second in 0..50 {
            let from = now + Duration::from_secs(second);
            let begun =
                turns.iter().filter(|at| **at >= from && **at < from + Duration::from_secs(1)).count();
            assert_eq!(begun, 200, "in the second {second}");
        }
    }

    #[test]
    fn one_who_comes_alone_begins_at_once() {
        let mut pace = Pace::new(200);
        pace.turn(Duration::from_secs(1));
        assert_eq!(pace.turn(Duration::from_secs(9)), Duration::from_secs(9));
    }
}
