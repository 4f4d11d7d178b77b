//! What the view shows, and how events and keys change it. No clock and no terminal in here.

use super::quality::Quality;
use crate::client::{Content, Event, FIRST_PING, LinkStats};
use infiniservice_protocol::guest::{CircuitBreakerReport, GuestMessage};
use infiniservice_protocol::metrics::{Process, SystemMetrics};
use infiniservice_protocol::stream::Stream;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Samples of the processor's load that are remembered.
const KEPT_HISTORY: usize = 512;
/// Samples closer than this give no rate that means anything.
const MIN_RATE_WINDOW: Duration = Duration::from_millis(200);

/// The order of the processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Busiest first.
    #[default]
    Cpu,
    /// Largest first.
    Memory,
    /// By number.
    Pid,
    /// By name.
    Name,
}

/// The connection as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// There is one.
    Up,
    /// There is none; why.
    Down(String),
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Leave this view.
    Quit,
    /// Leave altogether.
    Interrupt,
    /// Another order.
    Sort,
    /// Hold the figures, or go on.
    Pause,
    /// Move the list of processes by this many rows.
    Scroll(isize),
    /// Move it by this many screens.
    Page(isize),
    /// To the list's begin.
    Top,
    /// To the list's end.
    Bottom,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Go on.
    Continue,
    /// Leave this view: for where it was opened from, if there is such a place.
    Quit,
    /// Leave altogether.
    Interrupt,
}

/// Received and sent, in bytes a second.
pub(super) type Rates = (f64, f64);

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct Model {
    /// Where the connection leads.
    pub endpoint: String,
    /// Whether there is a connection.
    pub link: Link,
    /// Counters of the connection.
    pub stats: LinkStats,
    /// When watching began.
    pub began: Instant,
    /// How often metrics are asked for.
    pub interval: Duration,
    /// The last metrics, and when they came.
    pub metrics: Option<(SystemMetrics, Instant)>,
    /// By interface.
    pub rates: HashMap<String, Rates>,
    /// The processor's load, oldest first.
    pub history: VecDeque<f64>,
    /// The last report, if there was one.
    pub breaker: Option<CircuitBreakerReport>,
    /// Number and arrival of the last heartbeat.
    pub heartbeat: Option<(u64, Instant)>,
    /// What the guest complained of last.
    pub notice: Option<String>,
    /// The processes' order.
    pub sort: Sort,
    /// Whether the figures are held.
    pub paused: bool,
    /// First row of the processes that is shown.
    pub scroll: usize,
    /// How many rows of processes are in view; the screen tells.
    pub rows: usize,
    /// Whether leaving leads back to the table of machines.
    pub from_table: bool,
}

impl Model {
    /// Nothing known yet.
    pub(super) fn new(endpoint: String, interval: Duration, now: Instant) -> Self {
        Self {
            endpoint,
            link: Link::Up,
            stats: LinkStats::default(),
            began: now,
            interval,
            metrics: None,
            rates: HashMap::new(),
            history: VecDeque::new(),
            breaker: None,
            heartbeat: None,
            notice: None,
            sort: Sort::default(),
            paused: false,
            scroll: 0,
            rows: 1,
            from_table: false,
        }
    }

    /// Takes a line of the guest.
    pub(super) fn event(&mut self, event: &Event) {
        let Content::Message(message) = &event.content else { return };
        match message {
            GuestMessage::SystemMetrics(metrics) if !self.paused => self.measured(metrics, event.received),
            GuestMessage::Stream(sample) if !self.paused => {
                self.measured(&as_metrics(sample), event.received);
            }
            GuestMessage::KeepAlive(beat) if beat.sequence_number < FIRST_PING => {
                self.heartbeat = Some((beat.sequence_number, event.received));
            }
            GuestMessage::CircuitBreakerState(report) => self.breaker = Some(report.clone()),
            GuestMessage::Error(error) => self.notice = Some(error.error.clone()),
            _ => {}
        }
    }

    /// Does what a key asks for.
    pub(super) fn key(&mut self, key: Key) -> Flow {
        match key {
            Key::Quit => return Flow::Quit,
            Key::Interrupt => return Flow::Interrupt,
            Key::Sort => self.next_order(),
            Key::Pause => self.paused = !self.paused,
            Key::Scroll(rows) => self.scroll_to(self.scroll.saturating_add_signed(rows)),
            Key::Page(pages) => {
                let rows = isize::try_from(self.rows).unwrap_or(1).saturating_mul(pages);
                self.scroll_to(self.scroll.saturating_add_signed(rows));
            }
            Key::Top => self.scroll = 0,
            Key::Bottom => self.scroll_to(usize::MAX),
        }
        Flow::Continue
    }

    /// The last processes, in their order.
    pub(super) fn processes(&self) -> &[Process] {
        self.metrics.as_ref().map_or(&[], |(metrics, _)| &metrics.data.processes)
    }

    /// How good the link is.
    pub(super) fn quality(&self) -> Quality {
        Quality::of(&self.stats)
    }

    /// Since the last line of the guest; since the begin when there was none.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.stats.last_line.unwrap_or(self.began).max(self.began))
    }

    /// Whether a guest that is alive would have spoken by now.
    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        self.silence(now) > (self.interval * 3).max(Duration::from_secs(5))
    }

    fn measured(&mut self, metrics: &SystemMetrics, received: Instant) {
        if let Some((before, at)) = &self.metrics {
            let window = window((before, *at), (metrics, received));
            if window < MIN_RATE_WINDOW {
                return;
            }
            self.rates = rates(before, metrics, window);
        }
        if self.history.len() == KEPT_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(metrics.data.system.cpu.usage_percent);
        self.metrics = Some((metrics.clone(), received));
        self.order();
    }

    fn next_order(&mut self) {
        self.sort = match self.sort {
            Sort::Cpu => Sort::Memory,
            Sort::Memory => Sort::Pid,
            Sort::Pid => Sort::Name,
            Sort::Name => Sort::Cpu,
        };
        self.scroll = 0;
        self.order();
    }

    fn order(&mut self) {
        let Some((metrics, _)) = &mut self.metrics else { return };
        let processes = &mut metrics.data.processes;
        match self.sort {
            Sort::Cpu => processes
                .sort_by(|a, b| b.cpu_percent.total_cmp(&a.cpu_percent).then(b.memory_kb.cmp(&a.memory_kb))),
            Sort::Memory => processes.sort_by_key(|process| std::cmp::Reverse(process.memory_kb)),
            Sort::Pid => processes.sort_by_key(|process| process.pid),
            Sort::Name => processes.sort_by(|a, b| a.name.cmp(&b.name).then(a.pid.cmp(&b.pid))),
        }
        self.scroll_to(self.scroll);
    }

    fn scroll_to(&mut self, row: usize) {
        self.scroll = row.min(self.processes().len().saturating_sub(self.rows.max(1)));
    }
}

/// A sample of a stream as the metrics that it is a part of.
fn as_metrics(sample: &Stream) -> SystemMetrics {
    SystemMetrics {
        timestamp: sample.timestamp.clone(),
        data: sample.data.to_data(),
        collection: sample.collection.clone(),
        ..SystemMetrics::default()
    }
}

/// The time between two measurements: by the guest's clock where it tells, as lines may have waited on their way.
fn window(before: (&SystemMetrics, Instant), after: (&SystemMetrics, Instant)) -> Duration {
    let time = |metrics: &SystemMetrics| humantime::parse_rfc3339_weak(metrics.timestamp.as_deref()?).ok();
    let guest = time(before.0).zip(time(after.0)).and_then(|(from, to)| to.duration_since(from).ok());
    guest.filter(|window| !window.is_zero()).unwrap_or_else(|| after.1.saturating_duration_since(before.1))
}

fn rates(before: &SystemMetrics, after: &SystemMetrics, window: Duration) -> HashMap<String, Rates> {
    let old: HashMap<_, _> =
        before.data.system.network.interfaces.iter().map(|old| (old.name.as_str(), old)).collect();
    let per_second = |new: u64, old: u64| new.saturating_sub(old) as f64 / window.as_secs_f64();
    let rate = |new: &infiniservice_protocol::metrics::Interface| {
        let old = old.get(new.name.as_str())?;
        let received = per_second(new.bytes_received, old.bytes_received);
        Some((new.name.clone(), (received, per_second(new.bytes_sent, old.bytes_sent))))
    };
    after.data.system.network.interfaces.iter().filter_map(rate).collect()
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
