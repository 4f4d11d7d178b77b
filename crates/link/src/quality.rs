//! Quality of the connection over sliding windows of operations.
//!
//! There are two: heartbeats, and what the port did (opens, lines written, failed reads). A port that opens and takes lines
//! says nothing of a host that does not answer, so the worse of the two decides, and a series of heartbeats without an answer is
//! critical. The windows count operations, not time: while the device or the host is away nothing happens, and nothing moves.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Operations that each window holds.
pub const WINDOW: usize = 40;

/// Heartbeats in a row without an answer that are critical, whatever else works.
pub const FAILING_SERIES: usize = 3;

/// A share is one of at least so many operations: the first failure of all is no catastrophe.
const LEAST_OPERATIONS: usize = 10;

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

/// The sliding windows.
#[derive(Debug, Default)]
pub struct QualityWindow {
    heartbeats: VecDeque<Operation>,
    port: VecDeque<Operation>,
    /// Heartbeats without an answer since the last one that had one.
    unanswered: usize,
}

impl QualityWindow {
    /// The port did something.
    pub fn done(&mut self) {
        push(&mut self.port, Operation::Done);
    }

    /// A heartbeat was answered after this round trip.
    pub fn answered(&mut self, rtt: Duration) {
        self.unanswered = 0;
        push(&mut self.heartbeats, Operation::Answered(rtt));
    }

    /// A heartbeat was not answered.
    pub fn missed(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
        push(&mut self.heartbeats, Operation::Failed);
    }

    /// The port failed, or the host took nothing from it.
    pub fn failed(&mut self) {
        push(&mut self.port, Operation::Failed);
    }

    /// Heartbeats in a row without an answer.
    pub fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// The band, with the figures it rests on. An empty window is excellent: nothing has failed.
    pub fn assess(&self) -> Assessment {
        let latency = self.mean_latency();
        let ((errors, total), port) = (failures(&self.heartbeats), failures(&self.port));
        let beating = band(errors, total, latency.unwrap_or_default());
        let quality = beating.max(band(port.0, port.1, Duration::ZERO));
        let quality = if self.unanswered >= FAILING_SERIES { Quality::Critical } else { quality };
        let error_percent = (errors * 100 / total).max(port.0 * 100 / port.1);
        Assessment { quality, error_percent, latency }
    }

    fn mean_latency(&self) -> Option<Duration> {
        let trips = self.heartbeats.iter().filter_map(|operation| match operation {
            Operation::Answered(rtt) => Some(*rtt),
            Operation::Done | Operation::Failed => None,
        });
        let (sum, count) = trips.fold((Duration::ZERO, 0), |(sum, n), rtt| (sum.saturating_add(rtt), n + 1));
        sum.checked_div(count)
    }
}

/// How many of how many failed.
fn failures(window: &VecDeque<Operation>) -> (usize, usize) {
    let failed = window.iter().filter(|operation| matches!(operation, Operation::Failed)).count();
    (failed, window.len().max(LEAST_OPERATIONS))
}

fn push(window: &mut VecDeque<Operation>, operation: Operation) {
    if window.len() == WINDOW {
        window.pop_front();
    }
    window.push_back(operation);
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
        (0..failed).for_each(|_| window.missed());
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
        assert_eq!(window.port.len(), WINDOW);
    }

    #[test]
    fn heartbeats_without_an_answer_are_critical_however_well_the_port_works() {
        let mut window = QualityWindow::default();
        let mut found = Vec::new();
        for _ in 0..4 {
            (0..WINDOW).for_each(|_| window.done());
            window.missed();
            found.push(window.assess().quality);
        }
        assert_eq!(found, [Fair, Poor, Critical, Critical]);
        window.answered(Duration::from_millis(1));
        assert!(window.assess().quality >= Poor, "one answer does not make it good");
        (0..WINDOW).for_each(|_| window.answered(Duration::from_millis(1)));
        assert_eq!(window.assess().quality, Excellent);
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
