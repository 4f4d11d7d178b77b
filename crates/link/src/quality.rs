//! Quality of the connection over a sliding window of operations.
//!
//! Operations are attempts to open, heartbeats, and lines written; errors are those of them that failed, and failed reads.
//! The window counts operations, not time: while the device or the host is away nothing happens, and nothing moves.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Operations that the window holds: at the default intervals about ten minutes.
pub const WINDOW: usize = 40;

/// The bands, best first: the upper bounds (exclusive) of errors in per cent and of the mean latency in ms.
const BOUNDS: [(Quality, usize, u128); 4] = [
    (Quality::Excellent, 5, 100),
    (Quality::Good, 10, 200),
    (Quality::Fair, 20, 500),
    (Quality::Poor, 40, 1000),
];

/// The bands, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Under 5 % errors and 100 ms.
    Excellent,
    /// Under 10 % and 200 ms.
    Good,
    /// Under 20 % and 500 ms.
    Fair,
    /// Under 40 % and 1000 ms.
    Poor,
    /// Beyond.
    Critical,
}

impl Quality {
    /// Whether the collection interval is stretched.
    pub const fn is_degraded(self) -> bool {
        matches!(self, Self::Poor | Self::Critical)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the window holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The band.
    pub quality: Quality,
    /// Share of operations that failed, rounded down.
    pub error_percent: usize,
    /// Mean round trip of the heartbeats in the window; `None` while it holds none.
    pub latency: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Done,
    Answered(Duration),
    Failed,
}

/// The sliding window.
#[derive(Debug, Default)]
pub struct QualityWindow {
    operations: VecDeque<Operation>,
}

impl QualityWindow {
    /// An operation succeeded.
    pub fn done(&mut self) {
        self.push(Operation::Done);
    }

    /// A heartbeat was answered after this round trip.
    pub fn answered(&mut self, rtt: Duration) {
        self.push(Operation::Answered(rtt));
    }

    /// An operation failed.
    pub fn failed(&mut self) {
        self.push(Operation::Failed);
    }

    /// The band, with the figures it rests on. An empty window is excellent: nothing has failed.
    pub fn assess(&self) -> Assessment {
        let total = self.operations.len().max(1);
        let errors = self.operations.iter().filter(|o| matches!(o, Operation::Failed)).count();
        let latency = self.mean_latency();
        let quality = band(errors, total, latency.unwrap_or_default());
        Assessment { quality, error_percent: errors * 100 / total, latency }
    }

    fn mean_latency(&self) -> Option<Duration> {
        let trips = self.operations.iter().filter_map(|operation| match operation {
            Operation::Answered(rtt) => Some(*rtt),
            Operation::Done | Operation::Failed => None,
        });
        let (sum, count) = trips.fold((Duration::ZERO, 0), |(sum, n), rtt| (sum.saturating_add(rtt), n + 1));
        sum.checked_div(count)
    }

    fn push(&mut self, operation: Operation) {
        if self.operations.len() == WINDOW {
            self.operations.pop_front();
        }
        self.operations.push_back(operation);
    }
}

fn band(errors: usize, total: usize, latency: Duration) -> Quality {
    let fits = |(_, percent, ms): &&(Quality, usize, u128)| {
        errors * 100 < percent * total && latency < Duration::from_millis(*ms as u64)
    };
    BOUNDS.iter().find(fits).map_or(Quality::Critical, |(quality, ..)| *quality)
}

#[cfg(test)]
mod tests {
    use super::Quality::{Critical, Excellent, Fair, Good, Poor};
    use super::*;

    fn of(failed: usize, done: usize, rtt_ms: u64) -> Quality {
        let mut window = QualityWindow::default();
        (0..failed).for_each(|_| window.failed());
        (0..done).for_each(|_| window.answered(Duration::from_millis(rtt_ms)));
        window.assess().quality
    }

    #[test]
    fn the_bands_stand_at_the_contracts_error_rates() {
        let found: Vec<Quality> =
            [0, 1, 2, 3, 4, 7, 8, 15, 16].map(|failed| of(failed, 40 - failed, 1)).into();
        assert_eq!(found, [Excellent, Excellent, Good, Good, Fair, Fair, Poor, Poor, Critical]);
    }

    #[test]
    fn the_bands_stand_at_the_contracts_latencies() {
        let found: Vec<Quality> = [0, 99, 100, 199, 200, 499, 500, 999, 1000].map(|ms| of(0, 40, ms)).into();
        assert_eq!(found, [Excellent, Excellent, Good, Good, Fair, Fair, Poor, Poor, Critical]);
    }

    #[test]
    fn the_worse_of_errors_and_latency_decides() {
        assert_eq!(of(2, 38, 600), Poor);
        assert_eq!(of(16, 24, 1), Critical);
    }

    #[test]
    fn an_empty_window_is_excellent() {
        assert_eq!(QualityWindow::default().assess().quality, Excellent);
    }

    #[test]
    fn old_failures_leave_the_window_and_it_never_grows() {
        let mut window = QualityWindow::default();
        (0..100).for_each(|_| window.failed());
        assert_eq!(window.assess().quality, Critical);
        (0..WINDOW).for_each(|_| window.done());
        assert_eq!(window.assess().quality, Excellent);
        assert_eq!(window.operations.len(), WINDOW);
    }

    #[test]
    fn lines_written_have_no_latency() {
        let mut window = QualityWindow::default();
        window.done();
        assert_eq!(window.assess().latency, None);
        window.answered(Duration::from_millis(7));
        window.answered(Duration::from_millis(9));
        assert_eq!(window.assess().latency, Some(Duration::from_millis(8)));
    }
}
