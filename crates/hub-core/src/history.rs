//! The last hour of a machine, as small charts need it.

use crate::figures::Figures;
use std::collections::VecDeque;

/// Points that are kept: an hour at one each 30 s.
pub const POINTS: usize = 120;
/// The shortest time between two points, in milliseconds; streams of a second are thinned to it.
const STEP_MS: u64 = 29_000;

/// One point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970, by the host's clock.
    pub at_ms: u64,
    /// What was measured.
    pub figures: Figures,
}

/// A ring of points.
#[derive(Clone, Debug, Default)]
pub struct History {
    points: VecDeque<Point>,
}

impl History {
    /// Keeps a point, unless the one before is of this half minute. A clock that was set back begins anew.
    pub fn push(&mut self, point: Point) {
        if let Some(last) = self.points.back().map(|last| last.at_ms) {
            if point.at_ms < last {
                self.points.clear();
            } else if point.at_ms - last < STEP_MS {
                return;
            }
        }
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    /// All points, oldest first.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.points.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: u64) -> Point {
        Point { at_ms, figures: Figures::default() }
    }

    #[test]
    fn an_hour_is_kept_however_often_a_machine_speaks() {
        let mut history = History::default();
        for second in 0..10_000 {
            history.push(point(second * 1000));
        }
        let times: Vec<_> = history.points().map(|point| point.at_ms).collect();
        assert_eq!(times.len(), POINTS);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= STEP_MS));
        assert!(times.first().unwrap() + 3_400_000 < 10_000_000);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_a_new_history() {
        let mut history = History::default();
        history.push(point(1_000_000));
        history.push(point(5_000));
        assert_eq!(history.points().count(), 1);
    }
}
