//! How often to collect, by how much changes: more often in a burst, less often while nothing happens. Pure.
//!
//! Each sample is compared with the one before it. A figure's change counts by its own spread, the median of its last changes, so
//! that a figure that always jitters does not keep the agent busy. A large change, or a threshold that is crossed, halves the
//! interval; five calm samples in a row stretch it by half. Both ends are the operator's.

use infiniservice_actions::autochecks::{FILE_SYSTEM_WARNING_PERCENT, LOAD_WARNING, MEMORY_WARNING_PERCENT};
use infiniservice_protocol::metrics::{Collection, Data, DiskUsage};
use std::collections::VecDeque;
use std::time::Duration;

/// Changes of a figure by which its spread is known.
const REMEMBERED: usize = 20;
/// Before so many changes are known, a figure's spread is taken for its floor.
const KNOWN_FROM: usize = 5;
/// A change counts as large beyond this many spreads.
const LARGE: f64 = 3.0;
/// Samples in a row without a large change, after which the interval grows.
const CALM: u32 = 5;
/// A collection costs at most one part in so many of the time between two.
const COST: u64 = 100;

/// One figure that is watched.
struct Watched {
    /// The collector that measures it. A figure that is missing for once is no change.
    collector: &'static str,
    /// Its value in a sample; `None` where the machine has none.
    value: fn(&Data) -> Option<f64>,
    /// Its spread is at least so much, in its own unit: less is no news to anybody.
    floor: f64,
    /// Where it starts to hurt. Crossing it in either direction is a large change.
    threshold: f64,
}

/// Percent of the processors; of the memory that is used; load of a minute per core in percent; of the time that disks are busy;
/// of the fullest file system. Where a check warns, its threshold is meant.
const WATCHED: [Watched; 5] = [
    Watched { collector: "cpu", value: busy, floor: 5.0, threshold: 90.0 },
    Watched { collector: "memory", value: memory_used, floor: 1.0, threshold: MEMORY_WARNING_PERCENT },
    Watched { collector: "load_average", value: load, floor: 10.0, threshold: 100.0 * LOAD_WARNING },
    Watched { collector: "disk_io", value: disk_busy, floor: 5.0, threshold: 90.0 },
    Watched { collector: "disk_usage", value: fullest, floor: 0.5, threshold: FILE_SYSTEM_WARNING_PERCENT },
];

#[allow(clippy::unnecessary_wraps, reason = "the shape of a figure")]
fn busy(data: &Data) -> Option<f64> {
    Some(data.system.cpu.usage_percent)
}

#[allow(clippy::unnecessary_wraps, reason = "the shape of a figure")]
fn disk_busy(data: &Data) -> Option<f64> {
    Some(data.system.disk.io_stats.io_utilization_percent)
}

fn memory_used(data: &Data) -> Option<f64> {
    let memory = &data.system.memory;
    (memory.total_kb > 0).then(|| 100.0 - memory.available_kb as f64 * 100.0 / memory.total_kb as f64)
}

fn load(data: &Data) -> Option<f64> {
    let cores = data.system.cpu.cores_usage.len().max(1) as f64;
    Some(data.system.load_average.as_ref()?.load_1min * 100.0 / cores)
}

fn fullest(data: &Data) -> Option<f64> {
    let used = |one: &DiskUsage| (one.total_gb > 0.0).then(|| one.used_gb * 100.0 / one.total_gb);
    data.system.disk.usage_stats.iter().filter_map(used).max_by(f64::total_cmp)
}

/// The bounds that the operator sets, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The interval to begin with.
    pub usual: u64,
    /// Never more often.
    pub min: u64,
    /// Never less often.
    pub max: u64,
}

impl Bounds {
    fn clamp(self, secs: u64) -> u64 {
        secs.clamp(self.min, self.max.max(self.min))
    }
}

/// What is remembered of one figure.
#[derive(Debug, Default)]
struct Series {
    last: Option<f64>,
    changes: VecDeque<f64>,
}

impl Series {
    /// How large the change to `value` is, in spreads; infinite where it crosses the threshold.
    fn score(&mut self, value: f64, watched: &Watched) -> f64 {
        let Some(last) = self.last.replace(value) else { return 0.0 };
        let change = (value - last).abs();
        let spread = self.spread().max(watched.floor);
        if self.changes.len() == REMEMBERED {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        if (last < watched.threshold) == (value < watched.threshold) {
            change / spread
        } else {
            f64::INFINITY
        }
    }

    /// The median of the changes: one burst among them does not move it.
    fn spread(&self) -> f64 {
        if self.changes.len() < KNOWN_FROM {
            return 0.0;
        }
        let mut sorted: Vec<f64> = self.changes.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

/// Chooses the interval, sample by sample.
#[derive(Debug)]
pub struct Adaptive {
    bounds: Bounds,
    interval: u64,
    calm: u32,
    series: [Series; WATCHED.len()],
}

impl Adaptive {
    /// Begins with the usual interval.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, interval: bounds.clamp(bounds.usual), calm: 0, series: Default::default() }
    }

    /// Takes a sample, and says how long to wait for the next. However much changes, what a collection took is at most a hundredth
    /// of that time, unless that is more than the longest.
    pub fn next(&mut self, data: &Data, collection: &Collection) -> Duration {
        let score = self.score(data, collection);
        self.calm = if score > LARGE { 0 } else { self.calm + 1 };
        if score > LARGE {
            self.interval = self.bounds.clamp(self.interval / 2);
        } else if self.calm == CALM {
            self.calm = 0;
            self.interval = self.bounds.clamp((self.interval * 3).div_ceil(2));
        }
        let cost = collection.duration_ms.saturating_mul(COST).div_ceil(1000);
        Duration::from_secs(self.bounds.clamp(self.interval.max(cost)))
    }

    fn score(&mut self, data: &Data, collection: &Collection) -> f64 {
        let is_missing = |name: &str| collection.failed.iter().any(|failed| failed.collector == name);
        let measured =
            WATCHED.iter().zip(&mut self.series).filter(|(watched, _)| !is_missing(watched.collector));
        let scores = measured.filter_map(|(watched, series)| {
            let value = (watched.value)(data).filter(|value| value.is_finite())?;
            Some(series.score(value, watched))
        });
        scores.fold(0.0, f64::max)
    }
}

#[cfg(test)]
#[path = "adaptive_tests.rs"]
mod tests;
