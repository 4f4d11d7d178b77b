//! One collection while it runs: what metrics read, and where their figures go.
//!
//! When a metric fails, or panics, its own figures are missing, and `collection.failed` says why under its name; the others
//! do not notice.

use super::error::{CollectError, Report, WARMING_UP, attempt};
use super::processes::{Moment, Processes};
use super::settings::CollectorSettings;
use super::sys::Machine;
use infiniservice_platform::clock::Now;
use infiniservice_protocol::metrics::Data;
use std::fmt::Display;
use std::time::Duration;

/// One metric. A function is one; what keeps something from one collection to the next is a type.
pub trait Metric: Send {
    /// Reads the machine and puts the figures into `round.data`.
    ///
    /// # Errors
    /// When there are no figures; what was put into `round.data` before stays there.
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError>;
}

impl<F: FnMut(&mut Round<'_>) -> Result<(), CollectError> + Send> Metric for F {
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        self(round)
    }
}

/// A metric's name in `collection.failed`, and the metric.
pub type Row = (&'static str, Box<dyn Metric>);

/// One collection while it runs: what metrics read, and where their figures go.
pub struct Round<'a> {
    /// When it began.
    pub now: Now,
    /// What the operating system gives.
    pub machine: &'a mut Machine,
    /// All processes, scanned once a collection.
    pub processes: &'a mut Processes,
    /// From which start times are reckoned.
    pub moment: &'a mut Moment,
    /// Bounds of the lists.
    pub settings: &'a CollectorSettings,
    /// The figures.
    pub data: Data,
    /// How it went.
    pub report: Report,
    name: &'static str,
}

impl<'a> Round<'a> {
    /// Without figures yet.
    pub fn new(
        now: Now,
        machine: &'a mut Machine,
        processes: &'a mut Processes,
        moment: &'a mut Moment,
        settings: &'a CollectorSettings,
    ) -> Self {
        moment.mono = now.mono;
        let (data, report) = (Data::default(), Report::default());
        Self { now, machine, processes, moment, settings, data, report, name: "" }
    }

    /// Collects each metric; a failure is noted under its name.
    pub fn run(&mut self, rows: &mut [Row]) {
        self.run_needed(rows, |_| true);
    }

    /// The same of those that are needed.
    pub fn run_needed(&mut self, rows: &mut [Row], is_needed: impl Fn(&str) -> bool) {
        for (name, metric) in rows.iter_mut().filter(|(name, _)| is_needed(name)) {
            self.name = name;
            if let Err(error) = attempt(|| metric.collect(self)) {
                self.failed(&error);
            }
        }
    }

    /// Notes that the metric lost a part of its figures.
    pub fn failed(&mut self, error: &impl Display) {
        self.report.failed(self.name, error);
    }

    /// Notes that the metric's rate waits for its second sample.
    pub fn warming_up(&mut self) {
        self.failed(&WARMING_UP);
    }

    /// Notes that the metric's figures were measured this long before.
    pub fn aged(&mut self, age: Duration) {
        self.report.aged(self.name, age);
    }

    /// Notes how much of `list` is in the message.
    pub fn listed(&mut self, list: &str, listed: usize, total: usize) {
        self.report.listed(list, listed, total);
    }
}
