//! Which field becomes which series: the one table.

mod agent;
mod disk;
mod exporter;
mod guest;
mod hub;
mod network;
mod node;
mod node_devices;
mod otel;
mod own;
mod windows;

pub use otel::{Instrument, Otel, word};

use super::Rows;
use super::view::{Dropped, Hub, View};
use crate::exporter::Exporter;
use infiniservice_protocol::metrics::{CpuSeconds, System};
use infiniservice_protocol::timestamp::Moment;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether a series only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, but for restarts of what it counts.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were how large: `_bucket`, `_sum` and `_count`.
    Histogram,
}

impl Kind {
    /// Its name in the text format and in the documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric is.
#[derive(Debug)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit; empty for numbers of things.
    pub unit: &'static str,
    /// What it is, in a sentence without its full stop.
    pub help: &'static str,
    /// Whence it comes: a field of the guest's message, or a part of the hub.
    pub source: &'static str,
    /// Its labels beside `vm`.
    pub labels: &'static [&'static str],
    /// What it is in OpenTelemetry, where it is told there.
    pub otel: Option<Otel>,
}

/// Reads a machine's series.
pub type Read = for<'a, 'b> fn(&'a View<'b>, &mut dyn Rows);

/// A metric of each machine.
#[derive(Debug)]
pub struct GuestMetric {
    /// What it is.
    pub about: About,
    /// Whether it is told also while the agent is silent.
    pub always: bool,
    /// Its series.
    pub read: Read,
    /// Its points in OpenTelemetry, where that wants another figure.
    pub read_otel: Option<Read>,
}

/// A metric of the hub itself.
#[derive(Debug)]
pub struct HubMetric {
    /// What it is.
    pub about: About,
    /// Its series.
    pub read: for<'a, 'b> fn(&'a Hub<'b>, &mut dyn Rows),
}

/// A metric of the exporter itself.
#[derive(Debug)]
pub struct ExporterMetric {
    /// What it is.
    pub about: About,
    /// Its series, also of what this exposition left out.
    pub read: fn(&Exporter, &Dropped, &mut dyn Rows),
}

/// Of each machine. What matters most comes first: series beyond [`super::MAX_SERIES`] are left out.
pub const GUEST: &[&[GuestMetric]] = &[agent::AGENT, guest::SYSTEM, disk::DISK, network::NETWORK];
/// Of the hub itself. Those of machines that are gone go on.
pub const HUB: &[&[HubMetric]] = &[hub::TABLE, own::OWN];
/// Of the exporter of a fleet itself.
pub const EXPORTER: &[ExporterMetric] = exporter::ALL;
/// Of one machine, under the names of `node_exporter`.
pub const NODE: &[&[GuestMetric]] = &[node::SYSTEM, node_devices::DEVICES];
/// Of one machine, under the names of `windows_exporter`.
pub const WINDOWS: &[&[GuestMetric]] = &[windows::ALL];

const fn about(
    kind: Kind,
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    source: &'static str,
    labels: &'static [&'static str],
) -> About {
    About { name, kind, unit, help, source, labels, otel: None }
}

/// A machine's figure that goes up and down.
const fn gauge(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    source: &'static str,
    labels: &'static [&'static str],
    read: Read,
) -> GuestMetric {
    GuestMetric {
        about: about(Kind::Gauge, name, unit, help, source, labels),
        always: false,
        read,
        read_otel: None,
    }
}

/// A machine's figure that only grows.
const fn counter(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    source: &'static str,
    labels: &'static [&'static str],
    read: Read,
) -> GuestMetric {
    GuestMetric {
        about: about(Kind::Counter, name, unit, help, source, labels),
        always: false,
        read,
        read_otel: None,
    }
}

impl About {
    /// With what it is in OpenTelemetry.
    const fn otel(self, otel: Otel) -> Self {
        Self { otel: Some(otel), ..self }
    }
}

impl GuestMetric {
    /// With what it is in OpenTelemetry.
    const fn otel(self, otel: Otel) -> Self {
        Self { about: self.about.otel(otel), ..self }
    }

    /// With other points there.
    const fn otel_by(self, read: Read) -> Self {
        Self { read_otel: Some(read), ..self }
    }
}

/// It is told also while the agent is silent.
const fn always(metric: GuestMetric) -> GuestMetric {
    GuestMetric { always: true, ..metric }
}

/// Kibibytes in bytes.
const fn bytes(kb: u64) -> u64 {
    kb.saturating_mul(1024)
}

/// Gigabytes in bytes.
fn gigabytes(gb: f64) -> f64 {
    (gb * 1e9).round()
}

/// Per cent as a share.
fn ratio(percent: f64) -> f64 {
    percent / 100.0
}

/// Microseconds in seconds.
fn micros(us: u64) -> f64 {
    us as f64 / 1e6
}

/// Milliseconds in seconds.
fn millis(ms: u64) -> f64 {
    ms as f64 / 1e3
}

/// Seconds since 1970, with their fraction.
fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or_else(|before| -before.duration().as_secs_f64(), |it| it.as_secs_f64())
}

/// The guest's system's figures.
fn system<'a>(view: &View<'a>) -> Option<&'a System> {
    view.sample.map(|sample| &sample.system)
}

/// A time of the wire.
fn time(text: &str) -> Option<SystemTime> {
    match Moment::parse(text) {
        Some(Moment::At(time)) => Some(time),
        _ => None,
    }
}

/// When the guest booted, by its own clock; by the host's where it does not say.
pub(crate) fn boot_time(view: &View<'_>) -> Option<f64> {
    let sample = view.sample?;
    let told = time(&sample.system.host.boot_time).map(since_1970);
    let uptime = sample.system.uptime_seconds;
    told.or_else(|| (uptime > 0).then(|| (since_1970(sample.received.wall) - uptime as f64).round()))
}

/// By how much the guest's clock was ahead of the host's when its line came.
fn clock_offset(view: &View<'_>) -> Option<f64> {
    let sample = view.sample?;
    let guest = time(sample.timestamp.as_deref()?)?;
    Some(((since_1970(guest) - since_1970(sample.received.wall)) * 1e3).round() / 1e3)
}

/// Seconds of all processors by mode, those that the guest tells.
fn cpu_seconds(seconds: &CpuSeconds) -> impl Iterator<Item = (&'static str, f64)> {
    let modes = [
        ("user", Some(seconds.user)),
        ("nice", seconds.nice),
        ("system", Some(seconds.system)),
        ("idle", Some(seconds.idle)),
        ("iowait", seconds.iowait),
        ("irq", Some(seconds.irq)),
        ("softirq", Some(seconds.softirq)),
        ("steal", seconds.steal),
    ];
    modes.into_iter().filter_map(|(mode, seconds)| Some((mode, seconds?)))
}
