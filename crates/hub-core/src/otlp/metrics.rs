//! The figures of machines and of the hub, from the one table.

use super::attributes::nanos;
use super::points::{Collected, Points};
use super::{Batch, SCHEMA_URL, resource, scope};
use crate::delivery::Signal;
use crate::exposition::table::{GUEST, GuestMetric, HUB, boot_time};
use crate::exposition::{Dropped, Hub, Options, Program, View};
use crate::fleet::{Entry, Fleet};
use infiniservice_protocol::clock::Now;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Makes metrics, and remembers which figures were told: those of a machine that has measured nothing since are not told again.
#[derive(Debug)]
pub struct Metrics {
    hub: String,
    started: u64,
    /// When the figures of a machine came that were told last, by the monotonic clock.
    told: HashMap<Arc<str>, Duration>,
    dropped: Dropped,
    points: usize,
    resources: Vec<ResourceMetrics>,
}

impl Metrics {
    /// Of the hub of this name, which counts since `started`.
    pub fn new(hub: &str, started: SystemTime) -> Self {
        let (told, resources) = (HashMap::new(), Vec::new());
        let (started, dropped) = (nanos(started), Dropped::default());
        Self { hub: hub.to_owned(), started, told, dropped, points: 0, resources }
    }

    /// A round over all machines begins.
    pub fn begin(&mut self, fleet: &Fleet) {
        self.told.retain(|name, _| fleet.get(name).is_some());
        self.dropped = Dropped::default();
    }

    /// Adds a machine to the next request.
    pub fn machine(&mut self, name: &Arc<str>, entry: &Entry, now: Now) {
        if entry.vanished.is_some() {
            return;
        }
        let view = View::new(name, entry, now, Options::default());
        let received = view.sample.map(|sample| sample.received.mono);
        let is_new = received.is_some() && self.told.get(name).copied() != received;
        let mut collected = Collected::default();
        for metric in GUEST.iter().copied().flatten().filter(|metric| metric.always || is_new) {
            self.row(metric, &view, &mut collected);
        }
        if let Some(received) = received {
            self.told.insert(Arc::clone(name), received);
        }
        self.dropped = [self.dropped, view.dropped()].into_iter().sum();
        self.add(resource::of_machine(&self.hub, name, Some(view.machine)), collected);
    }

    fn row(&self, metric: &GuestMetric, view: &View<'_>, to: &mut Collected) {
        let Some(otel) = &metric.about.otel else { return };
        let (start, time) = self.times(metric, view);
        let read = metric.read_otel.unwrap_or(metric.read);
        read(view, &mut Points { to, otel, start, time, view: Some(view) });
    }

    /// What the hub counts it counts since its start; what the guest counts, since its boot.
    fn times(&self, metric: &GuestMetric, view: &View<'_>) -> (u64, u64) {
        match view.sample.filter(|_| !metric.always) {
            Some(sample) => {
                let time = nanos(sample.received.wall);
                let boot = boot_time(view).filter(|boot| *boot > 0.0).map_or(0, |boot| (boot * 1e9) as u64);
                // A guest whose clock is ahead booted in the future: then it is not known when.
                (if boot <= time { boot } else { 0 }, time)
            }
            None => (self.started, nanos(view.now.wall)),
        }
    }

    /// Adds the hub's own to the next request; `own` is what only the program knows.
    pub fn hub(&mut self, fleet: &Fleet, own: &Program, now: Now) {
        let hub = Hub::new(fleet, own, self.dropped);
        let mut collected = Collected::default();
        for metric in HUB.iter().copied().flatten() {
            let Some(otel) = &metric.about.otel else { continue };
            let (start, time) = (self.started, nanos(now.wall));
            (metric.read)(&hub, &mut Points { to: &mut collected, otel, start, time, view: None });
        }
        self.add(resource::of_hub(&self.hub), collected);
    }

    fn add(&mut self, resource: Resource, Collected { metrics, points }: Collected) {
        self.points += points;
        let schema_url = SCHEMA_URL.to_owned();
        let scope_metrics =
            vec![ScopeMetrics { scope: Some(scope()), metrics, schema_url: schema_url.clone() }];
        self.resources.push(ResourceMetrics { resource: Some(resource), scope_metrics, schema_url });
    }

    /// The request with what was added since the last one; `None` where that is nothing.
    pub fn request(&mut self) -> Option<Batch> {
        let resource_metrics = std::mem::take(&mut self.resources);
        let points = std::mem::take(&mut self.points);
        Batch::new(Signal::Metrics, points, &ExportMetricsServiceRequest { resource_metrics })
    }
}
